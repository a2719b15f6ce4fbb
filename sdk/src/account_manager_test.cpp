#include "anser/account_manager.h"

#include <gmock/gmock.h>

#include <thread>

#include "sdk/src/fake_channel.h"
#include "sdk/src/registration.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// XEP-0077, example 2.
constexpr std::string_view kFields =
    "<query xmlns='jabber:iq:register'><instructions>Choose a username and password.</instructions>"
    "<username/><password/><email/></query>";
// As example 9, without fields.
constexpr std::string_view kForm =
    "<query xmlns='jabber:iq:register'><instructions>Use the enclosed form.</instructions>"
    "<x xmlns='jabber:x:data' type='form'><instructions>Please provide the following.</instructions>"
    "<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>"
    "<field type='fixed'><value>Hello</value></field>"
    "<field type='text-single' var='username'><required/></field>"
    "<field type='text-private' var='password'><required/></field>"
    "<field type='text-single' var='first'><required/></field>"
    "<field type='list-single' var='x-gender'><option><value>F</value></option></field>"
    "<field type='list-single' var='x-house'><value>Capulet</value><option><value>Capulet</value></option></field>"
    "</x></query>";

class AccountManagerTest : public ::testing::Test {
 protected:
  AccountManagerTest() {
    channel->authenticated = false;
    channel->full.clear();
  }

  void log_in() {
    channel->authenticated = true;
    channel->full = "bill@example.org/globe";
  }

  // A call that waits, made elsewhere while this thread is the server.
  template <class Call>
  auto wait(Call call, const std::function<void()>& serve) {
    std::optional<decltype(call())> result;
    std::atomic<bool> finished = false;
    std::thread caller{[&] {
      result = call();
      finished = true;
      channel->wake();
    }};
    channel->run_until([&] { return !channel->requests.empty() || finished; });
    if (!channel->requests.empty()) serve();
    channel->run_until([&] { return finished.load(); });
    caller.join();
    return *result;
  }

  void create(AccountManager::Attributes attributes = {}) {
    accounts->create_account("bill", "Calliope", std::move(attributes), [this](Result<void> r) { result = r; });
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<AccountManager> accounts = ManagerAccess::make<AccountManager>(*channel);
  std::optional<Result<void>> result;
};

TEST_F(AccountManagerTest, AsksTheServiceOnceAndRemembersTheAnswer) {
  const auto names = wait([&] { return accounts->account_attributes(); },
                          [&] {
                            EXPECT_EQ(channel->requests.front().iq.to(), "example.org");
                            EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:register'/>");
                            channel->answer(kFields);
                          });
  const auto instructions = wait([&] { return accounts->account_instructions(); }, [] { FAIL() << "asked again"; });
  const auto unknown = wait([&] { return accounts->account_attribute("phone"); }, [] { FAIL() << "asked again"; });

  EXPECT_THAT(names.value(), ElementsAre("username", "password", "email"));
  EXPECT_EQ(instructions.value(), "Choose a username and password.");
  EXPECT_EQ(unknown.value(), "");
}

TEST_F(AccountManagerTest, AsksAgainOnTheNextConnection) {
  create();
  channel->answer(kFields);
  channel->answer();

  ManagerAccess::extension(*accounts).on_closed(true);
  create();

  EXPECT_EQ(channel->requests.front().iq.type(), IQ::Type::get);
}

TEST_F(AccountManagerTest, LetsManyWaitForTheSameAnswer) {
  create();
  create();

  ASSERT_EQ(channel->requests.size(), 1U);
  channel->answer(kFields);

  EXPECT_EQ(channel->requests.size(), 2U);
  EXPECT_EQ(channel->requests.back().iq.type(), IQ::Type::set);
}

TEST_F(AccountManagerTest, SaysWhetherAccountsAreMadeByTheStreamFeatureElseByAsking) {
  channel->stream_features = {"http://jabber.org/features/iq-register"};
  EXPECT_TRUE(wait([&] { return accounts->supports_account_creation(); }, [] { FAIL() << "asked"; }).value());

  channel->stream_features.clear();
  EXPECT_FALSE(
      wait([&] { return accounts->supports_account_creation(); }, [&] { channel->refuse("service-unavailable"); })
          .value());
}

TEST_F(AccountManagerTest, DoesNotTakeSilenceForANo) {
  const auto first = wait([&] { return accounts->supports_account_creation(); },
                          [&] { channel->answer(fail(Errc::timeout, "no answer")); });
  const auto second = wait([&] { return accounts->supports_account_creation(); }, [&] { channel->answer(kFields); });

  EXPECT_EQ(first.error().code, Errc::timeout);
  EXPECT_TRUE(second.value());
}

TEST_F(AccountManagerTest, MustNotBeWaitedForOnTheLoop) {
  EXPECT_EQ(accounts->account_attributes().error().code, Errc::would_block);
  EXPECT_EQ(accounts->create_account("bill", "Calliope").error().code, Errc::would_block);
}

TEST_F(AccountManagerTest, SendsEmptyWhatIsAskedForAndNotGiven) {
  create({{"name", "Bill & sons"}});
  channel->answer(kFields);

  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:register'><email/><name>Bill &amp; sons</name>"
            "<password>Calliope</password><username>bill</username></query>");
  channel->answer();
  EXPECT_TRUE(result->has_value());
}

TEST_F(AccountManagerTest, TellsWhatTheServerHasAgainstAnAccount) {
  create();
  channel->answer(kFields);
  channel->refuse("conflict");

  EXPECT_EQ(result->error().code, Errc::stanza);
  EXPECT_EQ(result->error().condition, "conflict");
}

TEST_F(AccountManagerTest, FillsInAFormWhereThereAreNoFields) {
  create({{"first", "William"}});
  channel->answer(kForm);

  const auto form = channel->requests.front().iq.payload()->child("x", "jabber:x:data");
  EXPECT_EQ(form.attribute("type"), "submit");
  EXPECT_EQ(form.to_xml(),
            "<x xmlns='jabber:x:data' type='submit'>"
            "<field var='FORM_TYPE'><value>jabber:iq:register</value></field>"
            "<field var='username'><value>bill</value></field><field var='password'><value>Calliope</value></field>"
            "<field var='first'><value>William</value></field><field var='x-house'><value>Capulet</value></field></x>");
}

TEST(RegistrationForm, PrefersFieldsToTheFormBesideThem) {
  const auto both = Element::parse(
      "<query xmlns='jabber:iq:register'><username/><password/>"
      "<x xmlns='jabber:x:data' type='form'><field var='nick'/></x></query>");

  EXPECT_THAT(RegistrationForm::read(*both)->names(), ElementsAre("username", "password"));
}

TEST(RegistrationForm, SendsTheKeyOfOldServersBack) {
  const auto old = Element::parse("<query xmlns='jabber:iq:register'><key>a4f9</key><username/><registered/></query>");
  const auto form = RegistrationForm::read(*old);

  EXPECT_THAT(form->names(), ElementsAre("username"));
  EXPECT_EQ(form->filled_in({}).to_xml(), "<query xmlns='jabber:iq:register'><key>a4f9</key><username/></query>");
}

TEST(RegistrationForm, KeepsABoundedNumberOfFields) {
  std::string xml = "<query xmlns='jabber:iq:register'>";
  for (int i = 0; i < 1'000; ++i) xml += "<f" + std::to_string(i) + "/>";
  const auto form = RegistrationForm::read(*Element::parse(xml + "</query>"));

  EXPECT_EQ(form->names().size(), 200U);
}

TEST_F(AccountManagerTest, SaysWhereElseAccountsAreMade) {
  create();
  channel->answer(
      "<query xmlns='jabber:iq:register'><instructions>To register, visit our site.</instructions>"
      "<x xmlns='jabber:x:oob'><url>http://www.shakespeare.lit/contests.php</url></x></query>");

  EXPECT_EQ(result->error().code, Errc::unsupported);
  EXPECT_THAT(result->error().message, HasSubstr("http://www.shakespeare.lit/contests.php"));
}

TEST_F(AccountManagerTest, TakesAnAnswerWithoutAnythingForANo) {
  create();
  channel->answer();

  EXPECT_EQ(result->error().code, Errc::unsupported);
}

TEST_F(AccountManagerTest, DoesNotSendAPasswordInTheClear) {
  channel->secure = false;
  create();
  EXPECT_EQ(result->error().code, Errc::insecure);
  log_in();
  accounts->change_password("newpass", [this](Result<void> r) { result = r; });
  EXPECT_EQ(result->error().code, Errc::insecure);
  EXPECT_TRUE(channel->requests.empty());

  channel->config.plain_in_the_clear = true;
  accounts->change_password("newpass", [this](Result<void> r) { result = r; });
  EXPECT_EQ(channel->requests.size(), 1U);
}

TEST_F(AccountManagerTest, NeedsAConnectionAndNoLoginForANewAccount) {
  channel->connected = false;
  create();
  EXPECT_EQ(result->error().code, Errc::wrong_state);

  channel->connected = true;
  log_in();
  create();
  EXPECT_EQ(result->error().code, Errc::wrong_state);
}

TEST_F(AccountManagerTest, ChangesThePasswordThatAReconnectionUses) {
  log_in();
  accounts->change_password("newpass", [this](Result<void> r) { result = r; });

  EXPECT_EQ(channel->requests.front().iq.to(), "example.org");
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:register'><username>bill</username><password>newpass</password></query>");
  EXPECT_EQ(channel->password, "");
  channel->answer();
  EXPECT_TRUE(result->has_value());
  EXPECT_EQ(channel->password, "newpass");
}

TEST_F(AccountManagerTest, KeepsTheOldPasswordWhenTheServerDoesNotTakeTheNewOne) {
  log_in();
  accounts->change_password("", [this](Result<void> r) { result = r; });
  EXPECT_EQ(result->error().code, Errc::invalid_argument);
  accounts->change_password("newpass", [this](Result<void> r) { result = r; });
  channel->refuse("not-allowed");

  EXPECT_EQ(result->error().condition, "not-allowed");
  EXPECT_EQ(channel->password, "");
}

TEST_F(AccountManagerTest, DeletesTheOwnAccount) {
  accounts->delete_account([this](Result<void> r) { result = r; });
  EXPECT_EQ(result->error().code, Errc::wrong_state);
  log_in();
  accounts->delete_account([this](Result<void> r) { result = r; });

  EXPECT_EQ(channel->requests.front().iq.to(), "");
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:register'><remove/></query>");
  channel->answer(tl::make_unexpected(Error{Errc::stream, "the account is gone", "not-authorized"}));
  EXPECT_TRUE(result->has_value());
}

TEST_F(AccountManagerTest, LetsAThreadGoWhenTheConnectionIsDestroyed) {
  const auto names = wait([&] { return accounts->account_attributes(); },
                          [&] {
                            channel->destroy();
                            accounts.reset();
                          });

  EXPECT_EQ(names.error().code, Errc::closed);
}

TEST_F(AccountManagerTest, SurvivesAResultThatThrows) {
  log_in();
  accounts->delete_account([](const Result<void>&) { throw std::runtime_error("oops"); });
  channel->answer();

  EXPECT_THAT(channel->thrown, ElementsAre("oops"));
}

}  // namespace
}  // namespace anser::sdk
