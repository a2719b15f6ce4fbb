#include "domain/retry_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace anser::domain {
namespace {

constexpr Time kNow{std::chrono::seconds{1'700'000'000}};
constexpr std::size_t kMost = 4;

Envelope message(std::string_view origin, std::string_view to, Type type, std::string_view content) {
  Envelope envelope;
  envelope.type = type;
  envelope.from = Jid::parse("romeo@capulet.example/garden").value();
  envelope.to = Jid::parse(to).value();
  envelope.origin_id = origin;
  envelope.inner = Bytes::copy(content);
  return envelope;
}

class RetryWindowTest : public testing::Test {
 protected:
  bool knows(const RetryWindow& window, Fingerprint message, Time now = kNow) {
    return window.find(message, now) != nullptr;
  }
  void note(RetryWindow& window, Fingerprint message, Time sent = kNow, CoreId home = 0) {
    window.note(message, sent, home, false, kMost);
  }

  RetryPool pool{/*most=*/10};
  RetryWindow window{pool};
};

TEST_F(RetryWindowTest, AnotherOriginIdDestinationTypeOrContentIsAnotherMessage) {
  const std::vector<Envelope> messages{
      message("1", "juliet@capulet.example", Type::chat, "hark"),
      message("2", "juliet@capulet.example", Type::chat, "hark"),
      message("1", "juliet@capulet.example/balcony", Type::chat, "hark"),
      message("1", "nurse@capulet.example", Type::chat, "hark"),
      message("1", "juliet@capulet.example", Type::normal, "hark"),
      message("1", "juliet@capulet.example", Type::chat, "hush"),
      message("1", "juliet@capulet.example", Type::chat, ""),
      message("1juliet@", "capulet.example", Type::chat, "hark"),  // the same octets, cut elsewhere
  };

  std::set<Fingerprint> found;
  for (const Envelope& one : messages) found.insert(pool.of(one));

  EXPECT_EQ(found.size(), messages.size());
  EXPECT_EQ(found.count(0), 0u);
}

TEST_F(RetryWindowTest, WhatANewStreamMayChangeIsNoPartOfAMessage) {
  const Envelope first = message("1", "juliet@capulet.example", Type::chat, "hark");
  Envelope again = first;
  again.id = "another";
  again.lang = "it";
  again.from = Jid::parse("romeo@capulet.example/orchard").value();
  again.facts.tell_sender = true;

  EXPECT_EQ(pool.of(again), pool.of(first));
}

TEST_F(RetryWindowTest, OnlyMessagesWithAnOriginIdComeAgain) {
  EXPECT_TRUE(may_come_again(message("1", "juliet@capulet.example", Type::headline, "")));
  EXPECT_FALSE(may_come_again(message("", "juliet@capulet.example", Type::chat, "hark")));
  EXPECT_FALSE(may_come_again(message("1", "juliet@capulet.example", Type::error, "hark")));
  Envelope presence = message("1", "juliet@capulet.example", Type::available, "");
  presence.kind = Kind::presence;
  EXPECT_FALSE(may_come_again(presence));
}

TEST_F(RetryWindowTest, WhatIsRecalledLateTakesNoNewersPlace) {
  const auto ago = [](int seconds) { return kNow - std::chrono::seconds{seconds}; };
  for (Fingerprint message = 1; message <= kMost; ++message) {
    note(window, message, ago(20 - 4 * static_cast<int>(message)));  // 16, 12, 8 and 4 seconds
  }

  window.note_recalled(11, ago(100), 0, kMost);
  window.note_recalled(12, ago(10), 0, kMost);
  EXPECT_FALSE(knows(window, 11));
  EXPECT_TRUE(knows(window, 12));
  EXPECT_FALSE(knows(window, 1));
  for (Fingerprint message = 2; message <= kMost; ++message) EXPECT_TRUE(knows(window, message)) << message;

  note(window, 21);
  EXPECT_TRUE(knows(window, 21) && knows(window, 12));
  EXPECT_FALSE(knows(window, 2));
  for (Fingerprint message = 31; message < 31 + kMost; ++message) note(window, message, kNow + std::chrono::seconds{1});
  for (Fingerprint message = 31; message < 31 + kMost; ++message) EXPECT_TRUE(knows(window, message)) << message;
}

TEST_F(RetryWindowTest, ForgetsTheOldestOfMoreThanItMayHold) {
  for (Fingerprint message = 1; message <= 2 * kMost + 1; ++message) note(window, message);

  for (Fingerprint message = 1; message <= kMost + 1; ++message) EXPECT_FALSE(knows(window, message)) << message;
  for (Fingerprint message = kMost + 2; message <= 2 * kMost + 1; ++message) EXPECT_TRUE(knows(window, message));
  EXPECT_EQ(pool.size(), kMost);
}

TEST_F(RetryWindowTest, ForgetsWhatWasRefused) {
  note(window, 1);
  note(window, 2);

  window.forget(1);

  EXPECT_FALSE(knows(window, 1));
  EXPECT_TRUE(knows(window, 2));
}

TEST_F(RetryWindowTest, ForgetsWhatIsTooLongAgo) {
  note(window, 1);

  EXPECT_TRUE(knows(window, 1, kNow + RetryWindow::kRemembers));
  EXPECT_FALSE(knows(window, 1, kNow + RetryWindow::kRemembers + std::chrono::seconds{1}));
}

TEST_F(RetryWindowTest, KnowsWhichOfThemAreDone) {
  note(window, 1, kNow, /*home=*/0);
  note(window, 2, kNow, /*home=*/3);

  window.done_at(3);
  note(window, 3, kNow, /*home=*/3);

  EXPECT_FALSE(window.find(1, kNow)->done);
  EXPECT_TRUE(window.find(2, kNow)->done);
  EXPECT_FALSE(window.find(3, kNow)->done);
}

TEST_F(RetryWindowTest, PastWhatAllMayHoldTheOneThatIsUnusedForLongestIsEmptied) {
  RetryWindow second{pool}, third{pool};
  for (RetryWindow* each : {&window, &second}) {
    each->set_filled();
    for (Fingerprint message = 1; message <= kMost; ++message) note(*each, message);
  }
  note(window, 5);
  third.set_filled();

  for (Fingerprint message = 1; message <= kMost; ++message) note(third, message);

  EXPECT_FALSE(second.filled());  // the archive is asked again
  EXPECT_FALSE(knows(second, 1));
  EXPECT_TRUE(window.filled() && knows(window, 5));
  EXPECT_TRUE(third.filled() && knows(third, 1));
  EXPECT_EQ(pool.size(), 2 * kMost);
}

TEST_F(RetryWindowTest, KnowsWhichGroupsHaveBeenAskedUntilItIsEmptied) {
  const auto group = [](int number) {
    return Jid::parse("g" + std::to_string(number) + "@conference.capulet.example").value();
  };
  for (int i = 0; i < 129; ++i) window.set_filled_for(group(i));
  EXPECT_FALSE(window.filled());
  EXPECT_FALSE(window.filled_for(group(0)));  // of so many the first one is asked again
  EXPECT_TRUE(window.filled_for(group(1)));
  EXPECT_TRUE(window.filled_for(group(128)));
  note(window, 1);
  RetryWindow other{pool};

  note(other, 1, kNow + RetryWindow::kRemembers + std::chrono::seconds{1});

  EXPECT_FALSE(window.filled_for(group(128)));
}

TEST_F(RetryWindowTest, WhoeverHasSentNothingForLongHoldsNothing) {
  window.set_filled();
  note(window, 1);
  RetryWindow other{pool};

  note(other, 1, kNow + RetryWindow::kRemembers + std::chrono::seconds{1});

  EXPECT_FALSE(window.filled());
  EXPECT_EQ(pool.size(), 1u);
}

TEST_F(RetryWindowTest, LeavesThePoolWithItsAccount) {
  {
    RetryWindow gone{pool};
    note(gone, 1);
    ASSERT_EQ(pool.size(), 1u);
  }
  EXPECT_EQ(pool.size(), 0u);
  note(window, 1);
  EXPECT_EQ(pool.size(), 1u);
}

TEST_F(RetryWindowTest, WhatWaitsGoesOnInOrderAndMayBeHeldUpAgain) {
  const auto numbers = [&] {
    std::vector<std::uint64_t> taken;
    while (auto sent = window.take()) taken.push_back(std::get<std::uint64_t>(sent->what));
    return taken;
  };
  EXPECT_FALSE(window.waits());
  window.wait_first({1, 10u});
  window.wait({1, 11u});
  window.wait({2, 12u});
  EXPECT_THAT(numbers(), testing::IsEmpty());  // held

  window.go_on();
  auto first = window.take();
  ASSERT_TRUE(first);
  window.wait_first(std::move(*first));
  EXPECT_THAT(numbers(), testing::IsEmpty());
  EXPECT_TRUE(window.waits());

  window.go_on();
  EXPECT_THAT(numbers(), testing::ElementsAre(10, 11, 12));
  EXPECT_FALSE(window.waits());
}

}  // namespace
}  // namespace anser::domain
