#include "sdk/src/receipts.h"

#include <gmock/gmock.h>

#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kRequest = "<request xmlns='urn:xmpp:receipts'/>";

class ReceiptsTest : public ::testing::Test {
 protected:
  ReceiptsTest() {
    channel->full = "kingrichard@royalty.england.lit/throne";
    ManagerAccess::extension(*roster).on_bound([] {});
    channel->answer(
        "<query xmlns='jabber:iq:roster'><item jid='northumberland@shakespeare.lit' subscription='from'/>"
        "<item jid='both@x' subscription='both'/><item jid='to@x' subscription='to'/><item jid='none@x'/></query>");
  }

  void hear(const std::string& from, const std::string& inner, const std::string& attributes = "id='m1' type='chat'") {
    const auto message = message_of("<message from='" + from + "' " + attributes + ">" + inner + "</message>");
    EXPECT_FALSE(receipts.on_message(message));  // others hear of it too
  }
  std::string asking() const { return "<body>My lord, dispatch</body>" + std::string{kRequest}; }
  std::string sending(Message message) {
    receipts.on_sending(message);
    return message.to_xml();
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<Roster> roster = ManagerAccess::make<Roster>(*channel);
  std::vector<std::string> arrived;
  Receipts receipts{*channel, *roster,
                    [this](const std::string& id, const std::string& from) { arrived.push_back(id + " " + from); }};
};

// XEP-0184, examples 3 and 4, with the hint.
TEST_F(ReceiptsTest, AreGivenToContactsThatSeeOurPresence) {
  hear("northumberland@shakespeare.lit/westminster", asking(), "id='richard2-4.1.247'");
  hear("both@x/r", asking());

  EXPECT_THAT(channel->sent,
              ElementsAre("<message to='northumberland@shakespeare.lit/westminster'>"
                          "<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/><store xmlns='urn:xmpp:hints'/>"
                          "</message>",
                          HasSubstr("to='both@x/r' type='chat'")));
}

TEST_F(ReceiptsTest, AreGivenToTheOwnDevices) {
  hear("kingrichard@royalty.england.lit/stable", asking());
  EXPECT_THAT(channel->sent, ElementsAre(HasSubstr("to='kingrichard@royalty.england.lit/stable'")));
}

TEST_F(ReceiptsTest, AreNotGivenToOthers) {
  for (const auto* from : {"to@x/r", "none@x/r", "stranger@x/r", "", "@"}) hear(from, asking());
  EXPECT_THAT(channel->sent, IsEmpty());
}

TEST_F(ReceiptsTest, AreNotGivenWhereNobodyMayAskForThem) {
  hear("both@x/r", asking(), "id='1' type='error'");
  hear("both@x/r", asking(), "id='1' type='groupchat'");
  hear("both@x/r", asking(), "type='chat'");
  hear("both@x/r", "<body>no question</body>");
  hear("both@x/r", std::string{kRequest} + "<received xmlns='urn:xmpp:receipts' id='m0'/>");
  hear("both@x/r",
       "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
       "id='m2' from='both@x/r'>" +
           asking() + "</message></forwarded></received>");

  EXPECT_THAT(channel->sent, IsEmpty());
}

TEST_F(ReceiptsTest, AreNotGivenWhenTheApplicationDoesNotWantThem) {
  channel->config.send_receipts = false;
  hear("both@x/r", asking());
  EXPECT_THAT(channel->sent, IsEmpty());
}

TEST_F(ReceiptsTest, SayTheTypeAndTheTextOfNothing) {
  hear("both@x/r", asking(), "id='&lt;&apos;&gt;' type='headline'");
  EXPECT_THAT(channel->sent, ElementsAre("<message to='both@x/r' type='headline'><received xmlns='urn:xmpp:receipts' "
                                         "id='&lt;&apos;&gt;'/><store xmlns='urn:xmpp:hints'/></message>"));
}

TEST_F(ReceiptsTest, AreToldToTheBookOfDeliveriesWhateverTheySay) {
  const std::string receipt = "<received xmlns='urn:xmpp:receipts' id='bi29sg183b4v'/>";
  hear("Both@x/r", receipt);
  hear("stranger@x", receipt, "");
  hear("stranger@x", "<received xmlns='urn:xmpp:receipts'/>");
  hear("", receipt);
  hear("both@x/r", receipt, "type='error'");
  hear("room@x/r", receipt, "type='groupchat'");

  EXPECT_THAT(arrived, ElementsAre("bi29sg183b4v both@x", "bi29sg183b4v stranger@x"));
}

TEST_F(ReceiptsTest, AreAskedForWithChatMessagesIfConfigured) {
  Message message{"both@x", "hi", Message::Type::chat};
  message.set_id("m7");
  EXPECT_THAT(sending(message), ::testing::Not(HasSubstr("urn:xmpp:receipts")));

  channel->config.request_receipts = true;
  EXPECT_EQ(sending(message),
            "<message to='both@x' id='m7' type='chat'><body>hi</body>" + std::string{kRequest} + "</message>");
  message.set_id("");
  receipts.on_sending(message);
  EXPECT_NE(message.id(), "");
  receipts.on_sending(message);
  EXPECT_EQ(message.raw_extensions().size(), 1U);
}

TEST_F(ReceiptsTest, AreNotAskedForWithAnythingElse) {
  channel->config.request_receipts = true;
  Message bare{"both@x", Message::Type::chat};
  bare.add_extension(Element{"received", "urn:xmpp:receipts"}.set_attribute("id", "1"));
  Message with_body = bare;
  with_body.set_body("hi");

  for (const auto& message :
       {bare, with_body, Message{"both@x", Message::Type::chat}, Message{"both@x", "hi", Message::Type::groupchat},
        Message{"both@x", "hi", Message::Type::error}, Message{"both@x", "hi", Message::Type::normal}}) {
    EXPECT_THAT(sending(message), ::testing::Not(HasSubstr("<request")));
  }
}

}  // namespace
}  // namespace anser::sdk
