#include "app/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "app/control_protocol.h"
#include "tests/support/fake_account_admin.h"
#include "tests/support/temporary_directory.h"

namespace anser::app {
namespace {

using core::Jid;
using testing::HasSubstr;
using testing::StartsWith;

const Jid kRomeo = *Jid::parse("romeo@localhost");

class Control : public testing::Test {
 protected:
  void start(ControlOptions options = {}) {
    auto server = ControlServer::start(directory_, admin_, options);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  std::filesystem::path path() const { return directory_ / kControlSocket; }

  int dial() const {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  // Everything until the server closes. Closes `fd`.
  static std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = recv(fd, buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    close(fd);
    return text;
  }

  static void say(int fd, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has heard enough
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  test::TemporaryDirectory temporary_;
  std::filesystem::path directory_ = temporary_.path();
  FakeAccountAdmin admin_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(Control, ReachesTheServer) {
  start();

  const auto remote = reach_server(directory_);
  ASSERT_TRUE(remote);
  ASSERT_TRUE(*remote);
  EXPECT_TRUE((*remote)->add(kRomeo, "secret"));
  EXPECT_EQ((*remote)->add(kRomeo, "secret").error().code, Errc::conflict);

  server_.reset();
  EXPECT_EQ(admin_.passwords.size(), 1u);
  EXPECT_EQ((*remote)->remove(kRomeo).error().code, Errc::closed);  // it has stopped meanwhile
}

TEST_F(Control, FindsNobodyWhereNoServerRuns) {
  EXPECT_EQ(*reach_server(directory_), nullptr);
  EXPECT_EQ(*reach_server("/nonexistent"), nullptr);
  EXPECT_EQ(*reach_server("/nonexistent" + std::string(200, 'x')), nullptr);
}

TEST_F(Control, IsForItsOwnerOnlyAndGoesWithTheServer) {
  start();
  struct stat about {};
  ASSERT_EQ(stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);

  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Control, KeepsASecondServerOut) {
  start();

  const auto second = ControlServer::start(directory_, admin_);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));  // the first is still there
}

TEST_F(Control, ReplacesTheSocketOfAServerThatWasKilled) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
  ASSERT_EQ(*reach_server(directory_), nullptr);

  start();
  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));
}

TEST_F(Control, LeavesAloneWhatIsNoSocket) {
  std::ofstream{path()} << "somebody's notes";

  const auto server = ControlServer::start(directory_, admin_);

  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("is in the way"));
  EXPECT_EQ(std::filesystem::file_size(path()), 16u);
}

TEST_F(Control, SaysWhenItCannotListen) {
  directory_ /= "missing";

  const auto server = ControlServer::start(directory_, admin_);

  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("No such file or directory"));
}

TEST_F(Control, WorksInADirectoryWithALongName) {
  directory_ /= std::string(150, 'd');
  std::filesystem::create_directory(directory_);

  start();

  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Control, AnswersGarbage) {
  start();
  const int fd = dial();
  say(fd, "\xff\xfe garbage {{{\n");

  EXPECT_THAT(read_all(fd), StartsWith(R"({"error":{"code":"bad_request")"));
}

TEST_F(Control, TakesARequestInPieces) {
  start();
  const int fd = dial();
  for (const char c : std::string{R"({"do":"add","jid":"romeo@localhost","password":"x"})"
                                  "\n"})
    say(fd, {&c, 1});

  EXPECT_EQ(read_all(fd), "{\"ok\":null}\n");
}

TEST_F(Control, RefusesARequestWithoutEnd) {
  start();
  const int fd = dial();
  say(fd, std::string(kMaxControlRequest + 100'000, 'x'));

  EXPECT_THAT(read_all(fd), HasSubstr("the line is longer than"));
  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));
}

TEST_F(Control, DoesNotDoHalfARequest) {
  start();
  const int fd = dial();
  say(fd, R"({"do":"add","jid":"romeo@localhost","password":"x"})");  // no line feed
  shutdown(fd, SHUT_WR);

  EXPECT_EQ(read_all(fd), "");
  server_.reset();
  EXPECT_TRUE(admin_.passwords.empty());
}

TEST_F(Control, DoesNotWaitLongForASlowClient) {
  start({.request_time = std::chrono::seconds{1}});  // which the other one below has for its own, too
  const int fd = dial();
  say(fd, R"({"do":)");

  EXPECT_THAT(read_all(fd), HasSubstr(R"("code":"timeout")"));
  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));
}

TEST_F(Control, DoesNotWaitLongForAClientThatNeverReads) {
  for (int i = 0; i < 1'000; ++i) admin_.passwords[fmt::format("{:0>200}@localhost", i)] = "x";
  admin_.details.name = std::string(5'000, 'n');
  start({.response_time = std::chrono::milliseconds{20}});
  const int fd = dial();
  say(fd, R"({"do":"list","host":"localhost","after":"","limit":1000})"
          "\n");

  EXPECT_TRUE((*reach_server(directory_))->add(kRomeo, "x"));  // served once the other is given up
  EXPECT_LT(read_all(fd).size(), 5'000'000u);
}

TEST_F(Control, StopsInTheMiddleOfARequest) {
  start();
  const int fd = dial();
  say(fd, R"({"do":)");

  const auto before = std::chrono::steady_clock::now();
  server_.reset();

  EXPECT_LT(std::chrono::steady_clock::now() - before, ControlOptions{}.request_time);
  close(fd);
}

TEST_F(Control, ServesManyAtATimeOneAfterTheOther) {
  start();
  std::vector<std::thread> commands;
  for (int i = 0; i < 20; ++i) {
    commands.emplace_back([this, i] {
      const auto remote = reach_server(directory_);
      ASSERT_TRUE(remote && *remote);
      EXPECT_TRUE((*remote)->add(*Jid::make(fmt::format("user{}", i), "localhost"), "x"));
    });
  }
  for (std::thread& command : commands) command.join();

  server_.reset();
  EXPECT_EQ(admin_.passwords.size(), 20u);
}

}  // namespace
}  // namespace anser::app
