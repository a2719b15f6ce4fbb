// The account's history on the server (XEP-0313), a page at a time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "anser/connection.h"

namespace anser::sdk {

struct ArchiveQuery {
  std::string with = {};  // a contact; "": everybody
  std::optional<std::chrono::system_clock::time_point> start = {}, end = {};
  std::size_t page_size = 50;  // the server may give fewer
  // Paging (XEP-0059): the page after this id, or before it; `last_page` is the newest. One of the three at most; none
  // is the first page.
  std::string after = {}, before = {};
  bool last_page = false;
  std::string archive = {};  // whose: a room's address; "": the own account's
};

struct ArchivedMessage {
  std::string id;  // the archive's
  std::chrono::system_clock::time_point stamp;
  Message message;
};

struct ArchivePage {
  std::vector<ArchivedMessage> messages;  // oldest first
  bool complete = false;                  // nothing lies beyond this page in the direction of paging
  std::string first, last;                // ids to go on from: `before` first, or `after` last
  std::optional<std::size_t> count;       // of all that match, if the server says it
};

class ANSER_API ArchiveManager {
 public:
  // Errc::unsupported, stanza, timeout, wrong_state.
  Result<ArchivePage> query(const ArchiveQuery& query);
  void query(const ArchiveQuery& query, std::function<void(Result<ArchivePage>)> done);

 private:
  friend struct ManagerAccess;
  explicit ArchiveManager(Channel& channel);
  ~ArchiveManager();
  ArchiveManager(const ArchiveManager&) = delete;

  class Queries;
  std::unique_ptr<Queries> queries_;
};

}  // namespace anser::sdk
