#include "sdk/programs/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::programs {
namespace {

using Kind = Command::Kind;
using Mode = sdk::Presence::Mode;
using testing::HasSubstr;

Command parsed(std::string_view line) {
  const auto command = parse_command(line);
  EXPECT_TRUE(command) << line;
  return command.value_or(Command{});
}

TEST(Command, IsTextUnlessItBeginsWithASlash) {
  EXPECT_EQ(parsed("hello / there"), (Command{.kind = Kind::say, .text = "hello / there"}));
  EXPECT_EQ(parsed("  你好 "), (Command{.kind = Kind::say, .text = "  你好 "}));
  EXPECT_EQ(parsed("//usr/bin"), (Command{.kind = Kind::say, .text = "/usr/bin"}));
  EXPECT_EQ(parsed("/me waves"), (Command{.kind = Kind::say, .text = "/me waves"}));
  EXPECT_EQ(parsed("").kind, Kind::nothing);
  EXPECT_EQ(parsed("  \t").kind, Kind::nothing);
}

TEST(Command, TakesWhoByNumberNameOrAddress) {
  EXPECT_EQ(parsed("/chat 3"), (Command{.kind = Kind::chat, .who = "3"}));
  EXPECT_EQ(parsed("/chat  Juliet Capulet "), (Command{.kind = Kind::chat, .who = "Juliet Capulet"}));
  EXPECT_EQ(parsed("/remove \"Juliet Capulet\""), (Command{.kind = Kind::remove, .who = "Juliet Capulet"}));
}

TEST(Command, TakesANameInQuotesBeforeMore) {
  EXPECT_EQ(parsed("/rename \"Juliet Capulet\" 茱丽叶"),
            (Command{.kind = Kind::rename, .who = "Juliet Capulet", .text = "茱丽叶"}));
  EXPECT_EQ(parsed("/rename 2 The Nurse"), (Command{.kind = Kind::rename, .who = "2", .text = "The Nurse"}));
  EXPECT_EQ(parsed("/add juliet@example.org"), (Command{.kind = Kind::add, .who = "juliet@example.org"}));
  EXPECT_EQ(parsed("/add juliet@example.org \"My love\""),
            (Command{.kind = Kind::add, .who = "juliet@example.org", .text = "My love"}));
}

TEST(Command, KnowsTheModesOfPresence) {
  EXPECT_EQ(parsed("/status away in the garden"),
            (Command{.kind = Kind::status, .text = "in the garden", .mode = Mode::away}));
  EXPECT_EQ(parsed("/status online"), (Command{.kind = Kind::status, .mode = Mode::available}));
  EXPECT_EQ(parsed("/status dnd").mode, Mode::dnd);
}

TEST(Command, NeedsNobodyToBeNamedForAnAnswer) {
  EXPECT_EQ(parsed("/accept"), (Command{.kind = Kind::accept}));
  EXPECT_EQ(parsed("/reject tybalt@example.org"), (Command{.kind = Kind::reject, .who = "tybalt@example.org"}));
}

TEST(Command, TakesAPathWithSpaces) {
  EXPECT_EQ(parsed("/send /home/romeo/my report.pdf"),
            (Command{.kind = Kind::send, .text = "/home/romeo/my report.pdf"}));
  EXPECT_EQ(parsed("/send \"my report.pdf\""), (Command{.kind = Kind::send, .text = "my report.pdf"}));
}

TEST(Command, SaysHowItGoesWhenItIsIncomplete) {
  for (const char* line :
       {"/chat", "/rename juliet", "/add", "/status", "/status sleepy", "/quit now", "/me", "/send"}) {
    const auto command = parse_command(line);
    ASSERT_FALSE(command) << line;
    EXPECT_THAT(command.error().message, HasSubstr("it goes like this: /")) << line;
  }
}

TEST(Command, SaysThatThereIsNoSuchThing) {
  const auto command = parse_command("/dance now");

  ASSERT_FALSE(command);
  EXPECT_THAT(command.error().message, HasSubstr("no command /dance"));
}

TEST(Command, HasHelpForAll) {
  const auto help = command_help();

  EXPECT_THAT(help, testing::Contains(HasSubstr("/rename WHO NAME")));
  EXPECT_GT(help.size(), 10u);
}

}  // namespace
}  // namespace anser::programs
