// Questions that wait for their answers (RFC 6120 §8.2.3). An answer counts only if it comes from whom was asked: an id
// alone can be guessed. Each has a time limit. On the loop's thread. What it returns is called by the caller.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "anser/iq.h"
#include "net/timers.h"

namespace anser::sdk {

class Requests {
 public:
  using Done = std::function<void(Result<IQ>)>;

  Requests(net::Timers& timers, std::function<void(Done, Error)> late) : timers_(timers), late_(std::move(late)) {}

  // `to` as it was sent, "" for the own account's server. False: the id waits already.
  bool add(std::string id, std::string_view to, Done done, std::chrono::milliseconds limit);
  // Whose answer it is, or nothing: then nobody asked that. `own` is the full address, "" before login; `service` the
  // server's domain.
  Done take(const IQ& answer, std::string_view own, std::string_view service);
  std::vector<Done> take_all();
  std::size_t size() const { return pending_.size(); }

 private:
  struct Pending {
    std::string to;  // prepared
    Done done;
    std::unique_ptr<net::Alarm> alarm;
  };

  net::Timers& timers_;
  std::function<void(Done, Error)> late_;
  std::unordered_map<std::string, Pending> pending_;
};

}  // namespace anser::sdk
