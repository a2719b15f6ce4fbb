#include "sdk/src/upload_service.h"

#include <gmock/gmock.h>

#include "sdk/src/dates.h"
#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// XEP-0363, example 4.
constexpr std::string_view kInfo =
    "<query xmlns='http://jabber.org/protocol/disco#info'>"
    "<identity category='store' type='file' name='HTTP File Upload'/><feature var='urn:xmpp:http:upload:0'/>"
    "<feature var='urn:xmpp:http:upload:purpose:0#ephemeral'/>"
    "<x type='result' xmlns='jabber:x:data'>"
    "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field>"
    "<field var='max-file-size'><value>5242880</value></field></x></query>";
constexpr std::string_view kOtherInfo =
    "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/muc'/></query>";

Element element(std::string_view xml) { return Element::parse(xml).value(); }

TEST(UploadService, IsReadFromItsDiscovery) {
  const auto service = read_service("upload.montague.tld", element(kInfo));

  ASSERT_TRUE(service);
  EXPECT_EQ(service->address, "upload.montague.tld");
  EXPECT_EQ(service->max_file_size, 5'242'880U);
  EXPECT_THAT(service->purposes, ElementsAre("ephemeral"));
  EXPECT_FALSE(read_service("conference.montague.tld", element(kOtherInfo)));
}

TEST(UploadService, NeedNotSayHowLargeAFileMayBe) {
  for (const auto* form :
       {"", "<x xmlns='jabber:x:data'><field var='max-file-size'><value>5</value></field></x>",
        "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>urn:xmpp:http:upload:0</value></field>"
        "<field var='max-file-size'><value>-5</value></field></x>"}) {
    const auto service = read_service("a", element("<query xmlns='http://jabber.org/protocol/disco#info'>"
                                                   "<feature var='urn:xmpp:http:upload:0'/>" +
                                                   std::string{form} + "</query>"));
    ASSERT_TRUE(service);
    EXPECT_EQ(service->max_file_size, std::nullopt) << form;
  }
}

TEST(UploadSlot, IsAskedForAsTheExamplesDo) {  // examples 5, 8, 9
  Upload upload{.name = "très cool.jpg", .type = "image/jpeg"};
  EXPECT_EQ(
      slot_request(upload, upload.name, 23456).to_xml(),
      "<request xmlns='urn:xmpp:http:upload:0' filename='très cool.jpg' size='23456' content-type='image/jpeg'/>");
  upload.type.clear();
  upload.purpose = Upload::Purpose::profile;
  EXPECT_EQ(slot_request(upload, "avatar.jpg", 100).to_xml(),
            "<request xmlns='urn:xmpp:http:upload:0' filename='avatar.jpg' size='100'>"
            "<profile xmlns='urn:xmpp:http:upload:purpose:0'/></request>");
  upload.purpose = Upload::Purpose::ephemeral;
  upload.expire_before = parse_date("2025-09-10T23:08:25Z").value();
  EXPECT_THAT(slot_request(upload, "a", 1).to_xml(),
              HasSubstr("<ephemeral xmlns='urn:xmpp:http:upload:purpose:0' expire-before='2025-09-10T23:08:25Z'/>"));
}

TEST(UploadSlot, IsReadWithTheFieldsThatAreAllowed) {  // example 6, and §9.2
  const auto slot = read_slot(
      element("<slot xmlns='urn:xmpp:http:upload:0'><put url='https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg'>"
              "<header name='Authorization'>Basic Base64String==</header><header name='Host'>evil.example</header>"
              "<header name='Coo&#10;kie'>foo=bar;&#13;&#10; user=romeo</header><header name='eXpires'>1</header>"
              "<header name='cookie'>second=1</header></put>"
              "<get url='https://download.montague.tld/4a77/tr%C3%A8s%20cool.jpg'/></slot>"));

  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->put, "https://upload.montague.tld/4a77/tr%C3%A8s%20cool.jpg");
  EXPECT_EQ(slot->get, "https://download.montague.tld/4a77/tr%C3%A8s%20cool.jpg");
  EXPECT_THAT(slot->fields,
              ElementsAre(Pair("Authorization", "Basic Base64String=="), Pair("Cookie", "foo=bar; user=romeo"),
                          Pair("eXpires", "1"), Pair("cookie", "second=1")));
}

TEST(UploadSlot, IsRefusedWhenItIsNone) {
  std::string crowd;
  for (int i = 0; i < 21; ++i) crowd += "<header name='Cookie'>a</header>";
  for (const auto& slot :
       {std::string{"<slot xmlns='urn:xmpp:http:upload:0'/>"}, std::string{"<slot xmlns='urn:xmpp:http:upload'/>"},
        std::string{"<slot xmlns='urn:xmpp:http:upload:0'><put url='https://a/'/></slot>"},
        "<slot xmlns='urn:xmpp:http:upload:0'><put url='https://a/'>" + crowd + "</put><get url='https://a/'/></slot>"})
    EXPECT_EQ(read_slot(element(slot)).error().code, Errc::protocol) << slot;
}

class FindServiceTest : public ::testing::Test {
 protected:
  void find() {
    transfers->service([this](Result<UploadService> service) { found.push_back(std::move(service)); });
  }
  std::string to() const { return channel->requests.front().iq.to(); }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<FileTransfers> transfers = ManagerAccess::make<FileTransfers>(*channel);
  std::vector<Result<UploadService>> found;
};

TEST_F(FindServiceTest, AsksTheServersItemsOneAfterTheOther) {  // examples 1 to 4
  find();
  find();  // waits for the same answer
  EXPECT_EQ(channel->asked(), "<query xmlns='http://jabber.org/protocol/disco#items'/>");
  EXPECT_EQ(to(), "example.org");
  channel->answer(
      "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='conference.example.org'/>"
      "<item jid='gone.example.org'/><item jid='upload.example.org' name='HTTP File Upload'/></query>");
  EXPECT_EQ(to(), "conference.example.org");
  channel->answer(kOtherInfo);
  EXPECT_EQ(to(), "gone.example.org");
  channel->refuse("remote-server-not-found");
  EXPECT_EQ(to(), "upload.example.org");
  channel->answer(kInfo);

  ASSERT_EQ(found.size(), 2U);
  ASSERT_TRUE(found[0] && found[1]);
  EXPECT_EQ(found[0]->address, "upload.example.org");
  find();
  EXPECT_EQ(found.size(), 3U);  // known by now
  EXPECT_THAT(channel->requests, IsEmpty());
}

TEST_F(FindServiceTest, AsksTheServerItselfIfItTakesFiles) {
  channel->server_features = {"urn:xmpp:http:upload:0"};
  find();
  EXPECT_EQ(to(), "example.org");
  EXPECT_EQ(channel->asked(), "<query xmlns='http://jabber.org/protocol/disco#info'/>");
  channel->answer(kInfo);

  ASSERT_TRUE(found.at(0));
  EXPECT_EQ(found[0]->address, "example.org");
}

TEST_F(FindServiceTest, FindsNone) {
  find();
  channel->answer("<query xmlns='http://jabber.org/protocol/disco#items'/>");
  EXPECT_EQ(found.at(0).error().code, Errc::unsupported);

  find();
  channel->refuse("service-unavailable");
  EXPECT_EQ(found.at(1).error().code, Errc::stanza);

  channel->authenticated = false;
  find();
  EXPECT_EQ(found.at(2).error().code, Errc::wrong_state);
}

TEST_F(FindServiceTest, AsksAgainInANewSession) {
  channel->server_features = {"urn:xmpp:http:upload:0"};
  find();
  channel->answer(kInfo);
  ManagerAccess::extension(*transfers).on_session(/*resumed=*/true);
  find();
  EXPECT_THAT(channel->requests, IsEmpty());
  ManagerAccess::extension(*transfers).on_session(/*resumed=*/false);
  find();

  EXPECT_EQ(channel->requests.size(), 1U);
}

TEST(FileMessage, ShowsTheAddressTwice) {
  EXPECT_EQ(file_message("juliet@example.org", "https://a/b?c&d").to_xml(),
            "<message to='juliet@example.org' type='chat'><body>https://a/b?c&amp;d</body>"
            "<x xmlns='jabber:x:oob'><url>https://a/b?c&amp;d</url></x></message>");
}

}  // namespace
}  // namespace anser::sdk
