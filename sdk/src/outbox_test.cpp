#include "sdk/src/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Outbox::Entry message(std::string id) { return {"<message id='" + id + "'/>", id}; }

std::vector<std::string> ids(const std::vector<Outbox::Entry>& entries) {
  std::vector<std::string> all;
  for (const Outbox::Entry& entry : entries) all.push_back(entry.id);
  return all;
}

TEST(Outbox, ConfirmsWhatWasWrittenInItsOrder) {
  Outbox outbox;
  for (const char* id : {"a", "b", "c"}) outbox.push(message(id));

  EXPECT_THAT(ids(*outbox.confirm(2)), ElementsAre("a", "b"));
  EXPECT_THAT(ids(*outbox.confirm(2)), IsEmpty());
  EXPECT_THAT(ids(*outbox.confirm(3)), ElementsAre("c"));
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, RefusesAnAcknowledgementForWhatWasNeverWritten) {
  Outbox outbox;
  outbox.push(message("a"));

  const auto confirmed = outbox.confirm(2);

  ASSERT_FALSE(confirmed);
  EXPECT_EQ(confirmed.error().code, Errc::protocol);
  EXPECT_EQ(outbox.size(), 1u);  // nothing was lost
}

TEST(Outbox, NumbersGoOnInAResumedSession) {
  Outbox outbox;
  for (const char* id : {"a", "b", "c"}) outbox.push(message(id));

  EXPECT_THAT(ids(*outbox.confirm(1)), ElementsAre("a"));

  EXPECT_EQ(outbox.entries().front().id, "b");  // the first to be written again
  EXPECT_EQ(outbox.written(), 3u);
}

TEST(Outbox, NumbersWrap) {
  Outbox outbox;
  outbox.begin(0xFFFFFFFFu);
  outbox.push(message("a"));
  outbox.push(message("b"));

  EXPECT_EQ(outbox.written(), 1u);
  EXPECT_THAT(ids(*outbox.confirm(0)), ElementsAre("a"));
  EXPECT_THAT(ids(*outbox.confirm(1)), ElementsAre("b"));
}

TEST(Outbox, BeginsAnewWhenTheSessionIsLost) {
  Outbox outbox;
  outbox.push(message("a"));
  outbox.push({"<presence/>", {}});
  EXPECT_EQ(outbox.messages(), 1u);
  ASSERT_TRUE(outbox.confirm(0));

  EXPECT_THAT(ids(outbox.lose()), ElementsAre("a", ""));

  outbox.begin();
  EXPECT_EQ(outbox.size(), 0u);
  EXPECT_EQ(outbox.messages(), 0u);
  EXPECT_EQ(outbox.bytes(), 0u);
  EXPECT_EQ(outbox.written(), 0u);
}

}  // namespace
}  // namespace anser::sdk
