#include "app/user_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <sstream>

#include "tests/support/fake_account_admin.h"

namespace anser::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Users : public testing::Test {
 protected:
  Result<void> run(const std::function<Result<void>(UserCommand&)>& action) {
    UserCommand command{admin_, hosts_,
                        Console{in_, out_, err_, [this](std::string_view question) { return answer(question); }}};
    return action(command);
  }

  Result<std::string> answer(std::string_view question) {
    questions_.emplace_back(question);
    if (answers_.empty()) return fail(Errc::closed, "no password was given");
    std::string given = answers_.front();
    answers_.pop_front();
    return given;
  }

  const domain::Hosts hosts_{{{"localhost", {"127.0.0.1"}}, {"example.org", {}}}, {}};
  FakeAccountAdmin admin_;
  std::stringstream in_, out_, err_;
  std::deque<std::string> answers_;
  std::vector<std::string> questions_;
};

TEST_F(Users, AreAddedWithAPasswordThatIsAskedForTwice) {
  answers_ = {"secret", "secret"};

  ASSERT_TRUE(run([](UserCommand& c) { return c.add("romeo", false); }));

  EXPECT_THAT(admin_.passwords, ElementsAre(Pair("romeo@localhost", "secret")));
  EXPECT_THAT(questions_, ElementsAre("Password for romeo@localhost: ", "The same again: "));
  EXPECT_EQ(out_.str(), "added romeo@localhost\n");
}

TEST_F(Users, AreNotAddedWithTwoDifferentPasswords) {
  answers_ = {"secret", "secert"};

  const auto added = run([](UserCommand& c) { return c.add("romeo", false); });

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "the two passwords differ; nothing was changed");
  EXPECT_THAT(admin_.passwords, IsEmpty());
}

TEST_F(Users, AreNotAddedWhenNobodyAnswers) {
  EXPECT_EQ(run([](UserCommand& c) { return c.add("romeo", false); }).error().code, Errc::closed);
}

TEST_F(Users, MayHaveTheirPasswordOnStandardInput) {
  in_ << "with some spaces \r\nsecond line\n";

  ASSERT_TRUE(run([](UserCommand& c) { return c.add("juliet@example.org", true); }));

  EXPECT_THAT(admin_.passwords, ElementsAre(Pair("juliet@example.org", "with some spaces ")));
  EXPECT_THAT(questions_, IsEmpty());
}

TEST_F(Users, NeedAPasswordThatCanBeOne) {
  for (const std::string& bad : {std::string{""}, std::string{"\n"}, std::string{"\xff\n"}, std::string(2'000, 'x'),
                                 std::string(100'000, 'x')}) {
    in_.clear();
    in_.str(bad);
    EXPECT_FALSE(run([](UserCommand& c) { return c.add("romeo", true); })) << bad.substr(0, 10);
  }
  EXPECT_THAT(admin_.passwords, IsEmpty());
}

TEST_F(Users, MayBeCalledByAnAliasOfTheirHost) {
  EXPECT_EQ(account_address("romeo@127.0.0.1", hosts_)->full(), "romeo@localhost");
  EXPECT_EQ(account_address("Romeo", hosts_)->full(), "romeo@localhost");
  EXPECT_EQ(account_address("romeo@elsewhere", hosts_).error().message,
            "elsewhere is not a host of this server (localhost, example.org)");
  for (const char* bad : {"", "@localhost", "romeo@", "ro meo", "romeo@localhost/x", "localhost/", "a@b@c"}) {
    EXPECT_FALSE(account_address(bad, hosts_)) << bad;
  }
}

TEST_F(Users, GetNewPasswords) {
  admin_.passwords["romeo@localhost"] = "old";
  in_ << "new\n";

  ASSERT_TRUE(run([](UserCommand& c) { return c.set_password("romeo", true); }));

  EXPECT_EQ(admin_.passwords["romeo@localhost"], "new");
  EXPECT_EQ(out_.str(), "changed the password of romeo@localhost\n");
}

TEST_F(Users, AreDeleted) {
  admin_.passwords["romeo@localhost"] = "x";

  ASSERT_TRUE(run([](UserCommand& c) { return c.remove("romeo"); }));

  EXPECT_EQ(out_.str(), "deleted romeo@localhost\n");
  EXPECT_EQ(run([](UserCommand& c) { return c.remove("romeo"); }).error().message,
            "there is no account romeo@localhost");
}

// ---- batches --------------------------------------------------------------------------------------------------------

TEST_F(Users, AreAddedFromLines) {
  in_ << "romeo  secret\n\n  juliet@example.org\tpass word \r\nlast x";

  ASSERT_TRUE(run([](UserCommand& c) { return c.add_batch(); }));

  EXPECT_THAT(admin_.passwords, ElementsAre(Pair("juliet@example.org", "pass word "), Pair("last@localhost", "x"),
                                            Pair("romeo@localhost", "secret")));
  EXPECT_EQ(out_.str(), "added 3 accounts\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Users, AreAddedFromTheOtherLinesWhenSomeAreWrong) {
  admin_.passwords["romeo@localhost"] = "old";
  in_ << "romeo x\nnobody\njuliet y\n@ z\ntybalt@elsewhere q\nnurse " << std::string(9'000, 'x')
      << "\npage \xff\nabram v\n";

  const auto added = run([](UserCommand& c) { return c.add_batch(); });

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "6 of 8 lines failed");
  EXPECT_EQ(out_.str(), "added 2 accounts\n");
  EXPECT_EQ(err_.str(),
            "line 2: nobody@localhost has no password\n"
            "line 4: \"@\" cannot be the name of an account\n"
            "line 5: elsewhere is not a host of this server (localhost, example.org)\n"
            "line 6: the line is longer than 8192 bytes\n"
            "line 7: the password is not UTF-8\n"
            "line 1: romeo@localhost: romeo@localhost exists already\n");
  EXPECT_EQ(admin_.passwords["romeo@localhost"], "old");
}

TEST_F(Users, AreSentInBatchesThatFitARequest) {
  for (int i = 0; i < 600; ++i) in_ << fmt::format("user{} x\n", i);
  ASSERT_TRUE(run([](UserCommand& c) { return c.add_batch(); }));
  EXPECT_THAT(admin_.batches, ElementsAre(kMaxAddMany, kMaxAddMany, 600 - 2 * kMaxAddMany));

  admin_.batches.clear();
  in_.clear();
  in_.str("");
  for (int i = 0; i < 256; ++i) in_ << fmt::format("long{} {}\n", i, std::string(1'000, 'x'));
  ASSERT_TRUE(run([](UserCommand& c) { return c.add_batch(); }));
  EXPECT_THAT(admin_.batches, ElementsAre(testing::Le(130u), testing::Le(130u)));
}

// ---- looking --------------------------------------------------------------------------------------------------------

TEST_F(Users, AreListedHostAfterHost) {
  for (const char* jid : {"b@example.org", "z@localhost", "a@localhost", "m@localhost"}) admin_.passwords[jid] = "x";
  admin_.page = 2;

  ASSERT_TRUE(run([](UserCommand& c) { return c.list("", false); }));
  EXPECT_EQ(out_.str(), "a@localhost\nm@localhost\nz@localhost\nb@example.org\n");

  out_.str("");
  ASSERT_TRUE(run([](UserCommand& c) { return c.list("EXAMPLE.org", false); }));
  EXPECT_EQ(out_.str(), "b@example.org\n");

  EXPECT_FALSE(run([](UserCommand& c) { return c.list("elsewhere", false); }));
}

TEST_F(Users, AreListedAsJson) {
  ASSERT_TRUE(run([](UserCommand& c) { return c.list("", true); }));
  EXPECT_EQ(boost::json::parse(out_.str()).as_array().size(), 0u);

  out_.str("");
  for (const char* jid : {"b@example.org", "z@localhost", "a@localhost"}) admin_.passwords[jid] = "x";
  ASSERT_TRUE(run([](UserCommand& c) { return c.list("", true); }));

  const auto list = boost::json::parse(out_.str()).as_array();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2].at("jid").as_string(), "b@example.org");
}

TEST_F(Users, AreShown) {
  admin_.passwords["romeo@localhost"] = "x";
  admin_.details.created = Time{std::chrono::microseconds{1'795'356'000'000'000}};
  admin_.details.name = "Romeo\n\x1b[2J";  // chosen by whoever registered
  admin_.details.roster_items = 3;
  admin_.details.offline_messages = 2;
  admin_.details.sessions = {{"orchard", "[::1]:4711"}};

  ASSERT_TRUE(run([](UserCommand& c) { return c.show("romeo", false); }));

  EXPECT_EQ(out_.str(),
            "romeo@localhost\n"
            "  created           2026-11-22T14:00:00Z\n"
            "  name              Romeo\\n\\u001b[2J\n"
            "  contacts          3\n"
            "  offline messages  2\n"
            "  online            orchard from [::1]:4711\n");
}

TEST_F(Users, AreShownAsJson) {
  admin_.passwords["romeo@localhost"] = "x";

  ASSERT_TRUE(run([](UserCommand& c) { return c.show("romeo", true); }));

  EXPECT_EQ(boost::json::parse(out_.str()).at("jid").as_string(), "romeo@localhost");
  EXPECT_EQ(run([](UserCommand& c) { return c.show("juliet", true); }).error().code, Errc::not_found);
}

}  // namespace
}  // namespace anser::app
