// A message to a group is the same frame for each of its subscribers: made for the first, kept for those that follow.
// They are given a turn's messages one subscriber after the other, so as many are kept. One core's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/websocket.h"
#include "domain/envelope.h"
#include "domain/groups.h"
#include "domain/session.h"
#include "ws/wire.h"

namespace anser::ws {

class SharedFrames {
 public:
  struct Made {
    std::string frame;  // as it goes to whoever takes plain frames
    std::size_t header = 0;

    std::string_view payload() const { return std::string_view{frame}.substr(header); }
  };

  // The frame of this message in this form; null: it is not kept. It is the same message if it has the same content in
  // memory, which is kept for that.
  const Made* find(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form) {
    for (std::size_t looked = 0; looked < used_; ++looked, next_ = (next_ + 1) % used_) {
      const Entry& entry = entries_[next_];
      if (!entry.is(envelope, stamp)) continue;
      const Made& made = entry.made[static_cast<std::size_t>(form)];
      next_ = (next_ + 1) % used_;  // most probably the next that is asked for
      return made.frame.empty() ? nullptr : &made;
    }
    return nullptr;
  }

  const Made* keep(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form, std::string_view payload) {
    Entry& entry = entry_of(envelope, stamp);
    Made& made = entry.made[static_cast<std::size_t>(form)];
    made.frame.clear();
    codec::append_frame(made.frame, form == Form::json ? codec::Opcode::text : codec::Opcode::binary, payload);
    made.header = made.frame.size() - payload.size();
    return &made;
  }

  // All frames of a batch (Session::deliver_together) in this form, one behind the other; null: they are not made.
  const std::string* together(std::uint64_t batch, Form form) const {
    const Together& all = together_[static_cast<std::size_t>(form)];
    return all.batch == batch ? &all.frames : nullptr;
  }
  std::string& begin_together(std::uint64_t batch, Form form) {
    Together& all = together_[static_cast<std::size_t>(form)];
    all.batch = batch;
    all.frames.clear();
    return all.frames;
  }

 private:
  struct Together {
    std::uint64_t batch = 0;
    std::string frames;
  };
  struct Entry {
    bool is(const domain::Envelope& envelope, const domain::Stamp& stamp) const {
      return inner.view().data() == envelope.inner.view().data() && sequence == stamp.sequence &&
             from == envelope.from && id == envelope.id;
    }

    domain::Bytes inner;
    std::uint64_t sequence = 0;
    core::Jid from;
    std::string id;
    std::array<Made, kForms> made;
  };

  Entry& entry_of(const domain::Envelope& envelope, const domain::Stamp& stamp) {
    for (std::size_t i = 0; i < used_; ++i) {
      if (entries_[i].is(envelope, stamp)) return entries_[i];
    }
    if (used_ < entries_.size()) ++used_;
    Entry& entry = entries_[oldest_];
    oldest_ = (oldest_ + 1) % entries_.size();
    entry.inner = envelope.inner;
    entry.sequence = stamp.sequence;
    entry.from = envelope.from;
    entry.id = envelope.id;
    for (auto& other : entry.made) other.frame.clear();
    return entry;
  }

  std::array<Entry, domain::kHandedTogether> entries_;
  std::size_t used_ = 0, next_ = 0, oldest_ = 0;
  std::array<Together, kForms> together_;
};

}  // namespace anser::ws
