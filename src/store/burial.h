// Carries retractions out: finds what each one takes back and leaves a tombstone there. The archive finds candidates by
// a hash, the log has their ids; so the two are asked in turns, until a candidate is the right one or there are no
// more. Clients that use an id twice mean the last message that had it. Used by one thread at a time; what fails can be
// tried again, and so can the whole, for what has been buried stays as it is.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/ports.h"

namespace anser::store {

class Burial {
 public:
  // How far a message is looked for, so that whoever retracts without end slows down nobody. What lies behind these is
  // not taken back. Pieces of an archive are 64 messages, of which one at least is of the conversation.
  static constexpr std::size_t kPieces = 512;      // of each of the two archives
  static constexpr std::size_t kCompared = 256;    // messages of the same hash
  static constexpr std::size_t kOfSender = 1'024;  // either, for all that one sender takes back here
  static constexpr std::size_t kAtOnce = 1'024;    // messages compared in one carry_out

  explicit Burial(std::span<const domain::LogRecord> records);

  // Looks for candidates. False: there are no more.
  Result<bool> seek(domain::ArchiveStore& archive);
  // Compares them, perhaps not all, and writes over those that are meant. Then there is more to seek.
  Result<void> carry_out(domain::LogStore& log);

 private:
  struct Retraction {
    domain::LogRecord record;
    std::vector<std::uint64_t> candidates = {};  // the next one is the last
    std::uint64_t before = 0;                    // all that is not older has been a candidate
    bool in_other = false;                       // it is looked for in the other's archive now
    bool done = false;
    std::size_t pieces = kPieces, compared = kCompared;  // left
  };
  struct Left {
    std::size_t pieces = kOfSender, compared = kOfSender;
  };

  Result<void> seek(Retraction& retraction, domain::ArchiveStore& archive);

  std::vector<Retraction> retractions_;
  std::unordered_map<std::string, Left> left_;         // by sender
  std::map<std::uint64_t, domain::LogRecord> buried_;  // not written yet
};

}  // namespace anser::store
