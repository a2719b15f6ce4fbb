#include "net/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace anser::net {
namespace {

using testing::ElementsAre;

struct Letter {
  CoreId from;
  int number;
  std::unique_ptr<int> payload;  // values move, they are not copied
};

TEST(Mailboxes, HandOverATurnsLettersInOnePiece) {
  Cores cores{2};
  std::promise<std::vector<int>> delivered;
  Mailboxes<int> mailboxes{cores, [&](CoreId to, std::vector<int>&& batch) {
                             EXPECT_EQ(to, 1);
                             EXPECT_EQ(Core::current(), &cores.at(1));
                             delivered.set_value(std::move(batch));
                           }};
  cores.start();

  cores.post(0, [&] {
    for (int i = 1; i <= 3; ++i) mailboxes.post(i, 1);
  });

  EXPECT_THAT(delivered.get_future().get(), ElementsAre(1, 2, 3));
  cores.stop();
  cores.join();
}

TEST(Mailboxes, KeepTheOrderOfEachPairOfCores) {
  constexpr int kLetters = 20'000;
  constexpr CoreId kCores = 3;
  Cores cores{kCores};
  std::vector<std::vector<int>> last(kCores, std::vector<int>(kCores, -1));  // [to][from]
  std::vector<int> received(kCores, 0);
  bool in_order = true;
  std::atomic<int> finished = 0;
  Mailboxes<Letter> mailboxes{cores, [&](CoreId to, std::vector<Letter>&& batch) {
                                for (Letter& letter : batch) {
                                  int& previous = last[to][letter.from];
                                  if (letter.number != previous + 1 || *letter.payload != letter.number) {
                                    in_order = false;
                                  }
                                  previous = letter.number;
                                }
                                received[to] += static_cast<int>(batch.size());
                                if (received[to] == kLetters * kCores) {
                                  ++finished;
                                  finished.notify_one();
                                }
                              }};
  cores.start();

  for (int start = 0; start < kLetters; start += 100) {
    for (CoreId from = 0; from < kCores; ++from) {
      cores.post(from, [&mailboxes, from, start] {
        for (int i = start; i < start + 100; ++i) {
          for (CoreId to = 0; to < kCores; ++to) mailboxes.post({from, i, std::make_unique<int>(i)}, to);
        }
      });
    }
  }
  for (int done = finished; done < kCores; done = finished) finished.wait(done);
  cores.stop();
  cores.join();

  EXPECT_TRUE(in_order);
}

TEST(Mailboxes, DeliverToTheOwnCoreAtTheEndOfTheTurn) {
  Cores cores{1};
  std::vector<std::string> events;
  Mailboxes<int> mailboxes{cores, [&](CoreId, std::vector<int>&& batch) {
                             for (const int number : batch) events.push_back("got " + std::to_string(number));
                             if (batch.front() == 1) mailboxes.post(3, 0);  // an answer to the own core
                           }};
  cores.post(0, [&] {
    mailboxes.post(1, 0);
    events.push_back("first handler");
  });
  cores.post(0, [&] {
    mailboxes.post(2, 0);
    events.push_back("second handler");
    cores.at(0).at_turn_end([&] { events.push_back("an action after it"); });
  });
  cores.post(0, [&] { cores.post(0, [&] { cores.stop(); }); });

  cores.at(0).run();

  EXPECT_THAT(events, ElementsAre("first handler", "second handler", "got 1", "got 2", "an action after it", "got 3"));
}

TEST(Mailboxes, SayWhenMoreIsUnderWayThanIsTakenOff) {
  Cores cores{2};
  Mailboxes<int> mailboxes{cores, [](CoreId, std::vector<int>&&) {}};
  bool before = true, at_limit = false, after = true;
  boost::asio::post(cores.at(0).io(), [&] {
    before = mailboxes.congested();
    for (std::size_t i = 0; i < Mailboxes<int>::kCongested; ++i) mailboxes.post(1, 1);
  });
  boost::asio::post(cores.at(0).io(), [&] { boost::asio::post(cores.at(0).io(), [&] { cores.stop(); }); });
  cores.at(0).run();  // the batch is handed over, and core 1 does not run yet
  boost::asio::post(cores.at(0).io(), [&] {
    at_limit = mailboxes.congested();
    cores.stop();
  });
  cores.at(0).io().restart();
  cores.at(0).run();
  cores.at(1).io().restart();
  cores.at(1).io().poll();
  boost::asio::post(cores.at(0).io(), [&] {
    after = mailboxes.congested();
    cores.stop();
  });
  cores.at(0).io().restart();
  cores.at(0).run();

  EXPECT_FALSE(before);
  EXPECT_TRUE(at_limit);
  EXPECT_FALSE(after);
}

}  // namespace
}  // namespace anser::net
