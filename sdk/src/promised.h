// An answer that somebody waits for with a future: whoever drops the question unanswered, because the connection is
// destroyed, answers it with Errc::closed.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "sdk/src/fail.h"

namespace anser::sdk {

template <class T>
class Promised {
 public:
  ~Promised() {
    if (!kept_) promise_.set_value(fail(Errc::closed, "the connection was destroyed"));
  }

  std::future<Result<T>> future() { return promise_.get_future(); }
  void keep(Result<T> answer) {
    kept_ = true;
    promise_.set_value(std::move(answer));
  }

 private:
  std::promise<Result<T>> promise_;
  bool kept_ = false;
};

// `start(done)` asks.
template <class T, class Start>
std::future<Result<T>> promised(Start start) {
  auto promise = std::make_shared<Promised<T>>();
  auto answer = promise->future();
  start([promise = std::move(promise)](Result<T> result) { promise->keep(std::move(result)); });
  return answer;
}

}  // namespace anser::sdk
