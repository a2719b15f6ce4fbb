#include "acks.h"

#include <gtest/gtest.h>

namespace anser::load {
namespace {

TEST(Acks, CountsMessagesPresenceAndRequestsAndNothingElse) {
  Acks acks;

  for (const auto* piece : {"<message><body>hi</body></message>", "<presence/>", "<iq type='result' id='1'/>",
                            "<r xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='1'/>", "<presences/>"}) {
    acks.received(piece);
  }

  EXPECT_EQ(acks.answer(), "<a xmlns='urn:xmpp:sm:3' h='3'/>");
}

TEST(Acks, CountsEveryStanzaThatIsSentAtOnce) {
  Acks acks;

  acks.sent("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>");
  acks.sent(kAskForAck);
  acks.sent("<message/>");

  EXPECT_EQ(acks.unacknowledged(), 3u);
}

TEST(Acks, KnowsWhatIsNotAcknowledged) {
  Acks acks;
  acks.sent("<presence/><message/><message/>");

  ASSERT_TRUE(acks.take_answer("<a xmlns='urn:xmpp:sm:3' h='2'/>"));
  ASSERT_TRUE(acks.take_answer("<a h=\"2\" xmlns=\"urn:xmpp:sm:3\"/>"));  // twice the same is no step back

  EXPECT_EQ(acks.acknowledged(), 2u);
  EXPECT_EQ(acks.unacknowledged(), 1u);
}

TEST(Acks, RefusesANumberThatGoesBackOrIsAheadOrIsNone) {
  Acks acks;
  acks.sent("<message/><message/><message/>");
  ASSERT_TRUE(acks.take_answer("<a xmlns='urn:xmpp:sm:3' h='2'/>"));

  for (const auto* answer : {"<a xmlns='urn:xmpp:sm:3' h='1'/>", "<a xmlns='urn:xmpp:sm:3' h='4'/>",
                             "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", "<a xmlns='urn:xmpp:sm:3'/>",
                             "<a xmlns='urn:xmpp:sm:3' h=''/>", "<a xmlns='urn:xmpp:sm:3' h='3x'/>"}) {
    EXPECT_FALSE(acks.take_answer(answer)) << answer;
  }
  EXPECT_EQ(acks.unacknowledged(), 1u);
}

TEST(Acks, TellsRequestsAndAnswersFromStanzas) {
  EXPECT_TRUE(is_ack_request("<r xmlns='urn:xmpp:sm:3'/>"));
  EXPECT_TRUE(is_ack_request("<r/>"));
  EXPECT_FALSE(is_ack_request("<roster/>"));
  EXPECT_TRUE(is_ack_answer("<a xmlns='urn:xmpp:sm:3' h='0'/>"));
  EXPECT_FALSE(is_ack_answer("<active/>"));
}

}  // namespace
}  // namespace anser::load
