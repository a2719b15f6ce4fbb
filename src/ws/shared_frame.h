// A message to a group is the same frame for each of its subscribers: made for the first, kept for those that follow.
// One core's.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "domain/envelope.h"
#include "domain/session.h"
#include "ws/wire.h"

namespace anser::ws {

class SharedFrame {
 public:
  // The frame of this message in this form; null: it has not been made. It is the same message if it has the same
  // content in memory, which is kept for that.
  const std::string* find(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form) const {
    const bool same = !inner_.empty() && inner_.view().data() == envelope.inner.view().data() &&
                      sequence_ == stamp.sequence && from_ == envelope.from && id_ == envelope.id;
    const std::string& frame = frames_[static_cast<std::size_t>(form)];
    return same && !frame.empty() ? &frame : nullptr;
  }
  void keep(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form, std::string_view frame) {
    if (inner_.view().data() != envelope.inner.view().data() || sequence_ != stamp.sequence || from_ != envelope.from ||
        id_ != envelope.id) {
      inner_ = envelope.inner;
      sequence_ = stamp.sequence;
      from_ = envelope.from;
      id_ = envelope.id;
      for (auto& other : frames_) other.clear();
    }
    frames_[static_cast<std::size_t>(form)].assign(frame);
  }

 private:
  domain::Bytes inner_;
  std::uint64_t sequence_ = 0;
  core::Jid from_;
  std::string id_;
  std::array<std::string, kForms> frames_;
};

}  // namespace anser::ws
