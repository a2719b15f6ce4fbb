// How values cross from core to core: collected per destination during a turn, handed over at its end in one piece, so
// a busy turn wakes another core once. Order is kept per pair of cores; to the own core it is delivered at the end of
// the same turn, before the connections send. Nobody waits, and nothing is ever dropped: the bound is what those who
// post may have outstanding (the budgets of their sessions), and congested() tells them to stop reading early.
//
// Owned by the program beside Cores; cores are stopped and joined before it is destroyed.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/cores.h"

namespace anser::net {

template <class T>
class Mailboxes {
 public:
  using Deliver = std::function<void(CoreId to, std::vector<T>&& batch)>;  // runs on `to`

  static constexpr std::size_t kCongested = 64 * 1024;  // values on their way from one core to another

  Mailboxes(Cores& cores, Deliver deliver) : cores_(cores), deliver_(std::move(deliver)) {
    for (unsigned from = 0; from < cores.size(); ++from) {
      senders_.push_back(std::make_unique<Sender>());
      senders_.back()->lanes = std::vector<Lane>(cores.size());
    }
  }

  // On a core only.
  void post(T value, CoreId to) {
    Core* here = Core::current();
    ANSER_ASSERT(here != nullptr);
    Sender& sender = *senders_[here->id()];
    std::vector<T>& batch = sender.lanes[to].batch;
    if (batch.empty()) {
      if (sender.waiting.empty()) here->at_turn_end([this, here] { hand_over(*here); });
      sender.waiting.push_back(to);
    }
    batch.push_back(std::move(value));
  }

  // More is under way from this core to another than that one takes off: stop reading until it says no.
  bool congested() const {
    const Core* here = Core::current();
    const std::vector<Lane>& lanes = senders_[here->id()]->lanes;
    for (std::size_t to = 0; to < lanes.size(); ++to) {
      const std::size_t waiting = lanes[to].batch.size() + lanes[to].under_way.load(std::memory_order_relaxed);
      if (to != here->id() && waiting >= kCongested) return true;
    }
    return false;
  }

 private:
  struct Lane {
    std::vector<T> batch;
    std::atomic<std::size_t> under_way{0};  // the one thing both cores touch: handed over, not yet delivered
  };
  struct alignas(64) Sender {  // touched by its core only
    std::vector<Lane> lanes;
    std::vector<CoreId> waiting;  // lanes with something in them
  };

  void hand_over(Core& here) {
    Sender& sender = *senders_[here.id()];
    std::vector<CoreId> waiting = std::exchange(sender.waiting, {});
    for (const CoreId to : waiting) {
      std::vector<T> batch = std::exchange(sender.lanes[to].batch, {});
      if (to == here.id()) {
        deliver_(to, std::move(batch));
      } else {
        std::atomic<std::size_t>& under_way = sender.lanes[to].under_way;
        under_way.fetch_add(batch.size(), std::memory_order_relaxed);
        boost::asio::post(cores_.at(to).io(), [this, to, &under_way, batch = std::move(batch)]() mutable {
          under_way.fetch_sub(batch.size(), std::memory_order_relaxed);
          deliver_(to, std::move(batch));
        });
      }
    }
  }

  Cores& cores_;
  Deliver deliver_;
  std::vector<std::unique_ptr<Sender>> senders_;
};

}  // namespace anser::net
