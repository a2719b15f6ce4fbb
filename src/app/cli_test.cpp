#include "app/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "app/control.h"
#include "tests/support/fake_account_admin.h"
#include "tests/support/temporary_directory.h"

namespace anser::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CommandLine : public testing::Test {
 protected:
  // Runs `anser ARGUMENTS`; what it says is in out_ and err_.
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "anser");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    out_.str("");
    err_.str("");
    const Console console{in_, out_, err_, [](std::string_view) -> Result<std::string> {
                            return fail(Errc::unavailable, "there is no terminal");
                          }};
    const Serve serve = [this](const Config& config, const std::function<Result<Config>()>& reload) {
      served_ = config;
      return while_serving_ ? while_serving_(reload) : 0;
    };
    return run_command(static_cast<int>(argv.size()), argv.data(), serve, console);
  }

  std::string write(const char* name, std::string_view text) {
    const auto path = directory_.path() / name;
    std::ofstream{path} << text;
    return path.string();
  }

  std::string data() { return (directory_.path() / "data").string(); }

  test::TemporaryDirectory directory_;
  std::stringstream in_, out_, err_;
  std::optional<Config> served_;
  std::function<int(const std::function<Result<Config>()>&)> while_serving_;
};

TEST_F(CommandLine, TellsItsVersion) {
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("anser 0."));
}

TEST_F(CommandLine, HelpsWhoeverAsks) {
  EXPECT_EQ(run({"--help"}), 0);
  for (const char* word : {"serve", "user", "config", "version"}) EXPECT_THAT(out_.str(), HasSubstr(word));
  EXPECT_EQ(run({"user", "add", "--help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("--password-stdin"));
}

TEST_F(CommandLine, WhoCallsItWronglyGetsTwo) {
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"sing"},
                                                    {"serve", "--nonsense"},
                                                    {"serve", "--config"},
                                                    {"user"},
                                                    {"user", "add"},
                                                    {"user", "add", "romeo", "--batch"},
                                                    {"user", "add", "--batch", "--password-stdin"},
                                                    {"user", "add", "romeo", "juliet"},
                                                    {"user", "add", "romeo", "--password", "x"},
                                                    {"user", "passwd"},
                                                    {"user", "delete"},
                                                    {"user", "show"},
                                                    {"config"},
                                                    {"config", "break"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(run(arguments), 2) << testing::PrintToString(arguments);
    EXPECT_NE(err_.str(), "") << testing::PrintToString(arguments);
  }
}

TEST_F(CommandLine, ServesWithTheChosenConfiguration) {
  const std::string file = write("anser.toml", "[server]\ncores = 3\n");

  EXPECT_EQ(run({"serve", "--config", file, "--data", data()}), 0);

  ASSERT_TRUE(served_);
  EXPECT_EQ(served_->server.cores, 3u);
  EXPECT_EQ(served_->server.data, data());
}

TEST_F(CommandLine, PassesOnHowServingEnded) {
  while_serving_ = [](const auto&) { return 1; };

  EXPECT_EQ(run({"serve"}), 1);
}

TEST_F(CommandLine, ReadsTheConfigurationAgainWhenTheServerAsks) {
  const std::string file = write("anser.toml", "[xmpp]\nmax_resources = 3\n");
  while_serving_ = [this](const std::function<Result<Config>()>& reload) {
    write("anser.toml", "[xmpp]\nmax_resources = 4\n[server]\ncores = 2\n");
    const auto taken = reload();
    EXPECT_TRUE(taken);
    EXPECT_EQ(taken->xmpp.max_resources, 4u);
    EXPECT_EQ(taken->server.cores, 0u);  // not while it runs

    write("anser.toml", "[xmpp]\nmax_resources = many\n");
    const auto wrong = reload();
    EXPECT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("anser.toml:2: "));

    write("anser.toml", "");
    EXPECT_EQ(reload()->xmpp.max_resources, Config{}.xmpp.max_resources);
    return 0;
  };

  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"serve", "--config", file}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("warn app server.cores has changed, which takes effect at the next start\n"));
}

TEST_F(CommandLine, DoesNotServeWithAWrongConfiguration) {
  const std::string file = write("anser.toml", "[server]\nworkers = -3\nbores = 1\n");

  EXPECT_EQ(run({"serve", "--config", file}), 1);

  EXPECT_FALSE(served_);
  EXPECT_EQ(err_.str(), fmt::format("{0}:2: server.workers must be 1 to 64, not -3\n"
                                    "{0}:3: unknown key \"server.bores\", did you mean \"server.cores\"?\n",
                                    file));
  EXPECT_EQ(run({"serve", "--config", file + "x"}), 1);
  EXPECT_THAT(err_.str(), StartsWith("anser: cannot read the configuration "));
}

TEST_F(CommandLine, ChecksTheConfiguration) {
  const std::string right = write("right.toml", "[log]\nlevel = \"warn\"\n");
  const std::string wrong = write("wrong.toml", "[log]\nlevle = \"warn\"\n");
  const std::string missing =
      write("missing.toml", "[[host]]\nname = \"a\"\ncertificate = \"/nonexistent.pem\"\nkey = \"/nonexistent.key\"\n");

  EXPECT_EQ(run({"config", "check", "--config", right}), 0);
  EXPECT_EQ(run({"config", "check", "--config", wrong}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean \"log.level\"?"));
  EXPECT_EQ(run({"config", "check", "--config", missing}), 1);
  EXPECT_EQ(err_.str(),
            "cannot read /nonexistent.pem of host a: No such file or directory\n"
            "cannot read /nonexistent.key of host a: No such file or directory\n");
}

TEST_F(CommandLine, PrintsTheConfiguration) {
  EXPECT_EQ(run({"config", "print", "--data", "/x"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("data = \"/x\" "));
  EXPECT_THAT(out_.str(), HasSubstr("# command line\n"));
}

TEST_F(CommandLine, PrintsTheDocumentationForWhoKnowsTheWord) {
  EXPECT_EQ(run({"config", "docs"}), 0);
  EXPECT_EQ(out_.str(), configuration_page());
  EXPECT_EQ(run({"config", "--help"}), 0);
  EXPECT_THAT(out_.str(), testing::Not(HasSubstr("docs")));
}

TEST_F(CommandLine, KeepsAccountsWhileNoServerRuns) {
  EXPECT_EQ(run({"user", "list", "--data", data()}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("there are no accounts in "));

  in_.str("secret\n");
  EXPECT_EQ(run({"user", "add", "romeo", "--password-stdin", "--data", data()}), 0) << err_.str();
  in_.clear();
  in_.str("juliet one\nnurse two\nromeo three\n");
  EXPECT_EQ(run({"user", "add", "--batch", "--data", data()}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("line 3: romeo@localhost"));
  EXPECT_THAT(err_.str(), HasSubstr("anser: 1 of 3 lines failed\n"));

  EXPECT_EQ(run({"user", "delete", "nurse", "--data", data()}), 0) << err_.str();
  EXPECT_EQ(run({"user", "list", "--data", data()}), 0) << err_.str();
  EXPECT_EQ(out_.str(), "juliet@localhost\nromeo@localhost\n");
  EXPECT_EQ(run({"user", "show", "juliet", "--data", data()}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("online            no\n"));
  EXPECT_EQ(run({"user", "add", "tybalt", "--data", data()}), 1);
  EXPECT_EQ(err_.str(), "anser: there is no terminal\n");
}

TEST_F(CommandLine, AsksTheServerIfOneRuns) {
  FakeAccountAdmin admin;
  admin.details.sessions = {{"orchard", "[::1]:4711"}};
  const auto server = ControlServer::start(directory_.path(), admin);
  ASSERT_TRUE(server);
  const std::string data = directory_.path().string();

  in_.str("secret\n");
  EXPECT_EQ(run({"user", "add", "romeo", "--password-stdin", "--data", data}), 0) << err_.str();
  EXPECT_EQ(run({"user", "show", "romeo", "--data", data}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("orchard from [::1]:4711"));
  EXPECT_EQ(run({"user", "delete", "juliet", "--data", data}), 1);
  EXPECT_EQ(err_.str(), "anser: there is no account juliet@localhost\n");
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "accounts.db"));
}

}  // namespace
}  // namespace anser::app
