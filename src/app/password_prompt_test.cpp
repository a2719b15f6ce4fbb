#include "app/password_prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <future>

#include "core/password.h"

namespace anser::app {
namespace {

using testing::HasSubstr;
using testing::Not;

// A terminal with somebody at it.
class Prompt : public testing::Test {
 protected:
  Prompt() { EXPECT_EQ(openpty(&person_, &terminal_, nullptr, nullptr, nullptr), 0); }
  ~Prompt() override {
    close(person_);
    if (terminal_ >= 0) close(terminal_);
  }

  // What the person sees, up to and including `text`.
  std::string see(std::string_view text) {
    std::string seen;
    for (char c; seen.find(text) == std::string::npos && read(person_, &c, 1) == 1;) seen += c;
    return seen;
  }

  Result<std::string> ask(std::string_view keys) {
    auto answer = std::async(std::launch::async, [this] { return ask_password_at(terminal_, "Password: "); });
    shown_ = see("Password: ");  // from here on nothing is echoed
    EXPECT_EQ(write(person_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    auto password = answer.get();
    shown_ += see("\n");
    return password;
  }

  int person_ = -1, terminal_ = -1;
  std::string shown_;
};

TEST_F(Prompt, HearsAPasswordAndShowsNothingOfIt) {
  const auto password = ask("secret\n");

  ASSERT_TRUE(password);
  EXPECT_EQ(*password, "secret");
  EXPECT_THAT(shown_, Not(HasSubstr("secret")));
}

TEST_F(Prompt, LetsTypingBeCorrected) {
  EXPECT_EQ(*ask("secr\u00e4t\x7f\x7f"
                 "et\x08\x08\x15passwordd\x7f\r"),
            "password");
  EXPECT_EQ(*ask("\x7f\x08x\n"), "x");
}

TEST_F(Prompt, IsBrokenOffWithControlC) {
  EXPECT_EQ(ask("secret\x03").error().code, Errc::closed);
  EXPECT_EQ(ask("\x04").error().code, Errc::closed);
}

TEST_F(Prompt, HasALimit) { EXPECT_EQ(ask(std::string(core::kMaxPassword + 1, 'x')).error().code, Errc::bad_request); }

TEST_F(Prompt, LeavesTheTerminalAsItWas) {
  termios before{}, after{};
  tcgetattr(terminal_, &before);
  for (const char* keys : {"x\n", "\x03"}) {
    [[maybe_unused]] const auto password = ask(keys);
    tcgetattr(terminal_, &after);
    EXPECT_EQ(after.c_lflag, before.c_lflag);
  }
}

TEST(PromptWithoutTerminal, SaysSo) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);

  EXPECT_EQ(ask_password_at(ends[0], "Password: ").error().code, Errc::unavailable);
  EXPECT_EQ(ask_password_at(-1, "Password: ").error().message,
            "there is no terminal to ask for a password at; use --password-stdin");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace anser::app
