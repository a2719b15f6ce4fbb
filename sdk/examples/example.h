// What the programs of this folder share. Each takes HOST PORT CERTIFICATES first: the server, and a file with the
// certificate of its authority (a server's self-signed certificate is its own authority).
#pragma once

#include <cstdlib>
#include <future>
#include <iostream>
#include <string>
#include <utility>

#include "anser/anser.h"

namespace example {

namespace sdk = anser::sdk;

inline sdk::ConnectionConfiguration configuration(char** arguments) {
  sdk::ConnectionConfiguration made(arguments[1], std::stoi(arguments[2]));
  made.tls.truststore_path = arguments[3];
  return made;
}

// [need]
// Gives the value, or ends the program with the error's sentence.
template <class T>
T need(sdk::Result<T> result) {
  if (!result) {
    std::cerr << name_of(result.error().code) << ": " << result.error().message << '\n';
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
// [/need]

// Something that a listener tells and main() waits for, ten seconds at most.
template <class T>
class Awaited {
 public:
  // Only the first counts.
  void set(T value) {
    if (!std::exchange(set_, true)) promise_.set_value(std::move(value));
  }
  T get() {
    if (future_.wait_for(std::chrono::seconds{10}) == std::future_status::ready) return future_.get();
    std::cerr << "waited in vain\n";
    std::exit(1);
  }

 private:
  bool set_ = false;
  std::promise<T> promise_;
  std::future<T> future_ = promise_.get_future();
};

}  // namespace example
