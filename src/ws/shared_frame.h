// A message to a group is the same frame for each of its subscribers: made for the first, kept for those that follow.
// One core's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/websocket.h"
#include "domain/envelope.h"
#include "domain/session.h"
#include "ws/wire.h"

namespace anser::ws {

class SharedFrame {
 public:
  struct Made {
    std::string frame;  // as it goes to whoever takes plain frames
    std::size_t header = 0;

    std::string_view payload() const { return std::string_view{frame}.substr(header); }
  };

  // The frame of this message in this form; null: it has not been made. It is the same message if it has the same
  // content in memory, which is kept for that.
  const Made* find(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form) const {
    const bool same = !inner_.empty() && inner_.view().data() == envelope.inner.view().data() &&
                      sequence_ == stamp.sequence && from_ == envelope.from && id_ == envelope.id;
    const Made& made = made_[static_cast<std::size_t>(form)];
    return same && !made.frame.empty() ? &made : nullptr;
  }
  void keep(const domain::Envelope& envelope, const domain::Stamp& stamp, Form form, std::string_view payload) {
    if (inner_.view().data() != envelope.inner.view().data() || sequence_ != stamp.sequence || from_ != envelope.from ||
        id_ != envelope.id) {
      inner_ = envelope.inner;
      sequence_ = stamp.sequence;
      from_ = envelope.from;
      id_ = envelope.id;
      for (auto& other : made_) other.frame.clear();
    }
    Made& made = made_[static_cast<std::size_t>(form)];
    made.frame.clear();
    codec::append_frame(made.frame, form == Form::json ? codec::Opcode::text : codec::Opcode::binary, payload);
    made.header = made.frame.size() - payload.size();
  }

 private:
  domain::Bytes inner_;
  std::uint64_t sequence_ = 0;
  core::Jid from_;
  std::string id_;
  std::array<Made, kForms> made_;
};

}  // namespace anser::ws
