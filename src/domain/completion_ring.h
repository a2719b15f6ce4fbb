// Which of the numbered works of a core are done, when they finish out of order. A fence asks for everything below a
// number; the ring answers with its low water. One bit of memory for each work between the oldest open one and the
// newest.
#pragma once

#include <cstdint>
#include <deque>

#include "base/assert.h"

namespace anser::domain {

using WorkId = std::uint64_t;  // 0 is none

class CompletionRing {
 public:
  WorkId open() {
    done_.push_back(false);
    return base_ + done_.size() - 1;
  }

  void close(WorkId work) {
    ANSER_ASSERT(work >= base_ && work - base_ < done_.size() && !done_[work - base_]);
    done_[work - base_] = true;
    while (!done_.empty() && done_.front()) {
      done_.pop_front();
      ++base_;
    }
  }

  // Every work below this number is done.
  WorkId low_water() const { return base_; }
  // The number that the next work will have.
  WorkId next() const { return base_ + done_.size(); }
  bool idle() const { return done_.empty(); }

 private:
  WorkId base_ = 1;
  std::deque<bool> done_;
};

}  // namespace anser::domain
