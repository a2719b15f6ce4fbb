// SocketMachine, the part that asks: requests with their answers and limits, and the groups, which each connection asks
// for anew.
#include <algorithm>
#include <charconv>
#include <utility>

#include "sdk/src/fail.h"
#include "sdk/src/legal.h"
#include "sdk/src/socket_machine.h"

namespace anser::sdk {

void SocketMachine::request(const Result<void>& may, const Frame& frame, Answered done) {
  Answered told = [this, done = std::move(done)](Result<SocketReply> reply) {
    later([this, done, reply = std::move(reply)] { host_.call([&] { done(reply); }); });
  };
  if (may) {
    ask(frame, std::move(told));
  } else {
    told(pass(may));
  }
  drain();
}

void SocketMachine::ask(const Frame& frame, Answered done) {
  if (configuration_.protocol != SocketProtocol::protobuf)
    return done(fail(Errc::unsupported, "only the protocol protobuf has this"));
  if (state_ != State::open || ending_) return done(tl::make_unexpected(no_connection()));
  if (pending_.size() >= kRequests) return done(fail(Errc::queue_full, "too many requests wait for their answers"));
  const std::uint64_t number = ++last_request_;
  const std::string question = frame(std::to_string(number));
  if (auto fine = frames::check_other(question); !fine) return done(pass(fine));
  if (!host_.has_room(question.size())) return done(fail(Errc::queue_full, "the server does not read fast enough"));
  host_.write(question, false);
  pending_.push_back({number, std::move(done), host_.now() + configuration_.request_limit});
  if (pending_.size() == 1) host_.arm(SocketTimer::request, configuration_.request_limit);
}

void SocketMachine::answer(const std::string& request, Result<SocketReply> reply) {
  std::uint64_t number = 0;
  std::from_chars(request.data(), request.data() + request.size(), number);
  const auto found = std::ranges::lower_bound(pending_, number, {}, &Pending::number);
  if (found == pending_.end() || found->number != number) return;  // too late
  const Answered done = std::move(found->done);
  pending_.erase(found);
  if (pending_.empty()) host_.disarm(SocketTimer::request);
  done(std::move(reply));
}

void SocketMachine::expire_requests() {
  const auto now = host_.now();
  while (!pending_.empty() && pending_.front().due <= now) {
    const Answered done = std::move(pending_.front().done);
    pending_.pop_front();
    done(fail(Errc::timeout, "no answer in time"));
  }
  if (pending_.empty()) return;
  host_.arm(SocketTimer::request, std::chrono::ceil<std::chrono::milliseconds>(pending_.front().due - now));
}

void SocketMachine::fail_requests(const Error& why) {
  const Error closed{Errc::closed, why.message};
  for (const Pending& pending : std::exchange(pending_, {})) pending.done(tl::make_unexpected(closed));
}

void SocketMachine::ask_contacts(std::function<void(Result<std::vector<SocketContact>>)> done) {
  request({}, &frames::roster_request, [this, done = std::move(done)](Result<SocketReply> reply) {
    if (!reply) return done(tl::make_unexpected(reply.error()));
    auto* const all = std::get_if<std::vector<SocketContact>>(&*reply);
    if (!all) return done(fail(Errc::protocol, "the server answered something else"));
    wants_contacts_ = facts_.running;
    done(std::move(*all));
  });
}

void SocketMachine::subscribe(const std::string& group, Done done) {
  const bool known = groups_.contains(group);
  if (configuration_.protocol != SocketProtocol::protobuf) {
    tell(std::move(done), fail(Errc::unsupported, "only the protocol protobuf has groups"));
  } else if (auto fine = check_text("the group", group); !fine) {
    tell(std::move(done), std::move(fine));
  } else if (!facts_.running) {
    tell(std::move(done), tl::make_unexpected(no_connection()));
  } else if ((!known && groups_.size() >= kGroups) || (known && groups_[group].size() >= kWaiters)) {
    tell(std::move(done), fail(Errc::queue_full, "a session has {} groups at most", kGroups));
  } else {
    auto& waiting = groups_[group];
    if (done) waiting.push_back(std::move(done));
    if (state_ == State::open) resubscribe(group);
  }
  drain();
}

void SocketMachine::resubscribe(const std::string& group) {
  ask([&group](std::string id) { return frames::subscribe(std::move(id), group); },
      [this, group](const Result<SocketReply>& reply) { on_subscribed(group, reply); });
}

void SocketMachine::on_subscribed(const std::string& group, const Result<SocketReply>& reply) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;                        // left meanwhile, or everything is over
  if (!reply && reply.error().code == Errc::closed) return;  // asked again on the next connection
  // By the server, or it was never asked. What has had no answer in time is asked again on the next connection.
  const bool refused = !reply && reply.error().code != Errc::timeout;
  if (refused && found->second.empty()) tell(&SocketHandlers::error, reply.error());
  for (Done& done : std::exchange(found->second, {}))
    tell(std::move(done), reply ? Result<void>{} : tl::make_unexpected(reply.error()));
  if (refused) groups_.erase(found);
}

void SocketMachine::unsubscribe(const std::string& group, Done done) {
  if (auto left = groups_.extract(group); !left.empty()) {
    for (Done& waiting : left.mapped()) tell(std::move(waiting), fail(Errc::closed, "the group was left"));
  }
  if (state_ != State::open) {  // nobody to tell: the next connection will not ask for it
    tell(std::move(done), {});
    return drain();
  }
  request(
      {}, [&group](std::string id) { return frames::unsubscribe(std::move(id), group); },
      [done = std::move(done)](const Result<SocketReply>& reply) {
        if (done) done(reply ? Result<void>{} : tl::make_unexpected(reply.error()));
      });
}

}  // namespace anser::sdk
