// SocketMachine: messages that come, told once and acknowledged afterwards.
#include <gmock/gmock.h>

#include "sdk/src/socket_machine_test_support.h"

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- messages that come ---------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AMessageIsAcknowledgedAfterItsHandlerHasReturned) {
  std::size_t written_meanwhile = 99;
  machine().handlers.message =
      handler<const SocketMessage&>([&](const auto&) { written_meanwhile = host.written.size(); });
  open_it();

  receives(message("7", "hello"));

  EXPECT_EQ(written_meanwhile, 0u);
  ASSERT_THAT(host.written, SizeIs(1));
  EXPECT_EQ(host.written[0].payload, ack("7"));
}

TEST_F(SocketMachineTest, AMessageThatComesAgainIsAcknowledgedAgainAndToldOnce) {
  open_it();
  receives(message("7", "hello"));
  ends();
  rings(SocketTimer::retry);
  lets_in();
  heard.clear();
  host.written.clear();

  receives(message("7", "hello"));

  EXPECT_THAT(heard, IsEmpty());
  EXPECT_THAT(written_types(), ElementsAre(10));
}

TEST_F(SocketMachineTest, AMessageThatNobodyHearsComesAgain) {
  open_it();
  const auto hearing = std::exchange(machine().handlers.message, nullptr);
  receives(message("7", "hello"));
  EXPECT_THAT(host.written, IsEmpty());

  machine().handlers.message = hearing;
  ends();
  rings(SocketTimer::retry);
  lets_in();
  heard.clear();
  host.written.clear();
  receives(message("7", "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello"));
  EXPECT_THAT(written_types(), ElementsAre(10));
}

TEST_F(SocketMachineTest, OneIdWithOtherContentOrFromAnotherIsAnotherMessage) {
  open_it();
  receives(message("####", "one"));
  receives(message("####", "two"));
  receives(message("####", "two", "paris@localhost"));
  receives(message("", "two"));
  receives(message("", "two"));
  EXPECT_THAT(heard, ElementsAre("message one", "message two", "message two", "message two", "message two"));
}

// As programs of XMPP send: id='1' for ever, and the same words.
TEST_F(SocketMachineTest, WhereTheArchiveNamesAMessageItsIdDecides) {
  open_it();
  const auto archived = [](const char* id, const char* group = "") {
    proto::Message message;
    message.set_eventid("1");
    message.set_from("bot@localhost");
    message.set_body("still alive");
    message.set_archiveid(id);
    message.set_group(group);
    return frame(11, message);
  };
  for (const char* id : {"a", "b", "a"}) receives(archived(id));
  EXPECT_THAT(heard, SizeIs(2));
  EXPECT_THAT(written_types(), ElementsAre(10, 10, 10));  // the third too

  receives(archived("a", "verona"));
  EXPECT_THAT(heard, SizeIs(3));  // another archive's
}

TEST_F(SocketMachineTest, AnApplicationThatAcknowledgesItselfDecidesWhen) {
  configuration.acknowledge = false;
  open_it();
  receives(message("7", "hello"));
  EXPECT_THAT(host.written, IsEmpty());

  machine().acknowledge("7");
  EXPECT_THAT(written_types(), ElementsAre(10));
  receives(message("7", "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello", "message hello"));  // its own to recognise
}

TEST_F(SocketMachineTest, AFrameThatIsNoneEndsTheConnectionWhichComesBack) {
  for (const std::string& garbage : {std::string{}, std::string{"\x0b"}, std::string{"\x0b\0\xff\xff", 4},
                                     std::string{"\x0b\0\x0a\x02\xc3\x28", 6}}) {
    open_it();
    receives(garbage);
    EXPECT_TRUE(host.gave_up);
    EXPECT_EQ(host.said->first, 1007);
    ends();
    EXPECT_THAT(heard, ElementsAre("error protocol", "close 1007", testing::StartsWith("retry")));
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, ATypeOfALaterServerIsPassedOver) {
  open_it();
  receives(std::string{"\x7f\0whatever", 10});
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

TEST_F(SocketMachineTest, NothingCountsBeforeTheLogin) {
  machine().open({});
  shakes_hands();
  receives(message("1", "hello"));
  EXPECT_TRUE(host.gave_up);
  EXPECT_THAT(heard, IsEmpty());
}

}  // namespace
}  // namespace anser::sdk
