#include "app/control_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_account_admin.h"

namespace anser::app {
namespace {

using core::Jid;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

const Jid kRomeo = *Jid::parse("romeo@localhost");
const Jid kJuliet = *Jid::parse("juliet@localhost");

class ControlProtocol : public testing::Test {
 protected:
  FakeAccountAdmin admin_;
  // A client that speaks to admin_ through both halves of the protocol.
  RemoteAdmin remote_{[this](const std::string& request) -> Result<std::string> {
    EXPECT_EQ(request.find('\n'), std::string::npos);
    std::string answer = answer_control(admin_, request);
    EXPECT_EQ(answer.find('\n'), std::string::npos);
    return answer;
  }};
};

TEST_F(ControlProtocol, CarriesEveryRequest) {
  ASSERT_TRUE(remote_.add(kRomeo, "p\"w\n\\é"));
  EXPECT_EQ(admin_.passwords["romeo@localhost"], "p\"w\n\\é");

  ASSERT_TRUE(remote_.set_password(kRomeo, "other"));
  EXPECT_EQ(admin_.passwords["romeo@localhost"], "other");

  ASSERT_TRUE(remote_.remove(kRomeo));
  EXPECT_THAT(admin_.passwords, IsEmpty());
}

TEST_F(ControlProtocol, CarriesErrorsWithTheirCode) {
  const auto removed = remote_.remove(kRomeo);

  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error(), (Error{Errc::not_found, "there is no account romeo@localhost"}));
}

TEST_F(ControlProtocol, CarriesAnOutcomeForEachOfMany) {
  admin_.passwords["romeo@localhost"] = "old";
  const std::vector<NewAccount> accounts{{kRomeo, "a"}, {kJuliet, "b"}};

  const auto outcomes = remote_.add_many(accounts);

  ASSERT_THAT(outcomes, SizeIs(2));
  EXPECT_EQ(outcomes[0].error().code, Errc::conflict);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_EQ(admin_.passwords["romeo@localhost"], "old");
}

TEST_F(ControlProtocol, CarriesAllThatIsKnownOfAnAccount) {
  admin_.passwords["romeo@localhost"] = "x";
  admin_.details = {.jid = {},
                    .created = Time{std::chrono::microseconds{1'795'356'000'123'456}},
                    .name = "Romeo \"M\"",
                    .email = "r@example.org",
                    .disabled = true,
                    .roster_items = 3,
                    .offline_messages = 18'446'744'073'709'551'615u,
                    .sessions = {{"orchard", "[::1]:4711"}, {"balcony", "192.0.2.1:1"}}};

  const auto shown = remote_.show(kRomeo);
  const auto listed = remote_.list("localhost", "", 10);

  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_EQ(*shown, *admin_.show(kRomeo));
  ASSERT_TRUE(listed);
  EXPECT_THAT(*listed, ElementsAre(*shown));
}

TEST_F(ControlProtocol, PagesThroughLists) {
  for (int i = 0; i < 5; ++i) admin_.passwords[fmt::format("user{}@localhost", i)] = "x";

  const auto page = remote_.list("localhost", "user1@localhost", 2);

  ASSERT_TRUE(page);
  ASSERT_THAT(*page, SizeIs(2));
  EXPECT_EQ((*page)[0].jid.full(), "user2@localhost");
  EXPECT_EQ((*page)[1].jid.full(), "user3@localhost");
}

class ControlProtocolRefuses : public testing::TestWithParam<const char*> {};

TEST_P(ControlProtocolRefuses, WhatIsNoRequest) {
  FakeAccountAdmin admin;

  const std::string answer = answer_control(admin, GetParam());

  EXPECT_THAT(answer, StartsWith(R"({"error":{"code":")")) << GetParam();
  EXPECT_THAT(admin.passwords, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Garbage, ControlProtocolRefuses,
    testing::Values("", " ", "{", "[]", "null", "GET / HTTP/1.1", "{}", R"({"do":7})", R"({"do":"shutdown"})",
                    R"({"do":"add"})", R"({"do":"add","jid":"a@b"})", R"({"do":"add","jid":"a@b","password":7})",
                    R"({"do":"add","jid":"a@b","password":null})", R"({"do":"add","jid":"b","password":"x"})",
                    R"({"do":"add","jid":"a@b/c","password":"x"})", R"({"do":"add","jid":"@","password":"x"})",
                    R"({"do":"add","jid":"a@b","password":"x"} extra)", R"({"do":"add_many","accounts":{}})",
                    R"({"do":"add_many","accounts":[1]})", R"({"do":"add_many","accounts":[{"jid":"a@b"}]})",
                    R"({"do":"list","host":"a","after":""})", R"({"do":"list","host":"a","after":"","limit":-1})",
                    R"({"do":"list","host":"a","after":"","limit":1.5})", R"({"do":"show"})",
                    "{\"do\":\"add\",\"jid\":\"a@b\",\"password\":\"\xff\"}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["));

TEST_F(ControlProtocol, TakesNoMoreThanABoundedBatch) {
  const std::vector<NewAccount> accounts(kMaxAddMany + 1, NewAccount{kRomeo, "x"});

  const auto outcomes = remote_.add_many(accounts);

  ASSERT_THAT(outcomes, SizeIs(accounts.size()));
  EXPECT_EQ(outcomes.front().error().code, Errc::bad_request);
  EXPECT_THAT(admin_.batches, IsEmpty());
}

TEST_F(ControlProtocol, DoesNotSendWhatTheServerWouldNotRead) {
  EXPECT_EQ(remote_.add(kRomeo, std::string(kMaxControlRequest, 'x')).error().code, Errc::bad_request);
}

TEST(RemoteAdmin, DoubtsAnswersThatMakeNoSense) {
  for (const char* answer : {"", "x", "[]", "{}", R"({"error":7})", R"({"error":{}})", R"({"ok":7})", R"({"ok":[7]})",
                             R"({"ok":{"jid":"a@b"}})", R"({"error":{"code":"new_code","message":"m"}})"}) {
    RemoteAdmin remote{[answer](const std::string&) -> Result<std::string> { return answer; }};
    const std::vector<NewAccount> accounts{{kRomeo, "x"}};

    EXPECT_FALSE(remote.show(kRomeo)) << answer;
    EXPECT_FALSE(remote.list("localhost", "", 1)) << answer;
    ASSERT_THAT(remote.add_many(accounts), SizeIs(1));
    EXPECT_FALSE(remote.add_many(accounts).front()) << answer;
  }
}

TEST(AccountJson, IsForPeopleWhoWritePrograms) {
  AccountInfo account;
  account.jid = kRomeo;
  account.created = Time{std::chrono::microseconds{1'795'356'000'123'456}};
  account.sessions = {{"orchard", "[::1]:4711"}};

  EXPECT_EQ(account_json(account, /*with_sessions=*/true),
            R"({"jid":"romeo@localhost","created":"2026-11-22T14:00:00Z","name":"","email":"","disabled":false,)"
            R"("roster_items":0,"offline_messages":0,"sessions":[{"resource":"orchard","address":"[::1]:4711"}]})");
  EXPECT_EQ(account_json(account, /*with_sessions=*/false),
            R"({"jid":"romeo@localhost","created":"2026-11-22T14:00:00Z","name":"","email":"","disabled":false})");
}

}  // namespace
}  // namespace anser::app
