// Signals as something to poll. Blocked from here on in every thread that is made later; as they were when it ends.
#pragma once

#include <csignal>
#include <optional>

namespace anser::programs {

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_; }
  std::optional<int> next();  // one that has come

 private:
  sigset_t before_;
  int fd_;
};

}  // namespace anser::programs
