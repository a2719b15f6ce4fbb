#include "net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <mutex>
#include <set>

#include "base/log.h"
#include "net/test_support.h"

namespace anser::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

std::mutex lines_mutex;
std::vector<std::string> lines;
void note(log::Level, std::string_view, std::string_view line) {
  const std::lock_guard lock{lines_mutex};
  lines.emplace_back(line);
}
std::vector<std::string> logged() {
  const std::lock_guard lock{lines_mutex};
  return lines;
}

// Greets with the core's number, then waits for the client to leave.
Task<void> greet(std::unique_ptr<Connection> connection) {
  connection->out() += std::to_string(connection->core().id());
  connection->flush_soon();
  const auto end = co_await connection->read();
  EXPECT_FALSE(end);
}

void welcome(Core& core, Handed handed) {
  EXPECT_EQ(Core::current(), &core);
  spawn(core.io(), greet(std::make_unique<Connection>(core, std::move(handed))));
}

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    lines.clear();
    log::set_sink(&note);
    cores.start();
  }

  std::string why_not(const Listener::Options& options) {
    const auto listener = Listener::listen(cores, options, &welcome);
    if (listener) return "";
    EXPECT_EQ(listener.error().code, Errc::invalid_config);
    return listener.error().message;
  }

  Cores cores{3};
};

TEST_F(ListenerTest, DealsConnectionsOutToAllCores) {
  const auto listener = Listener::listen(cores, {}, &welcome);
  ASSERT_TRUE(listener);
  std::multiset<std::string> greeted_by;
  std::vector<Peer> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(connect_to((*listener)->port()));
    greeted_by.insert(peers.back().receive());
  }

  EXPECT_THAT(greeted_by, testing::ElementsAre("0", "0", "1", "1", "2", "2"));
}

TEST_F(ListenerTest, ListensOnIpv6Beside4) {
  const auto v4 = Listener::listen(cores, {.address = "0.0.0.0"}, &welcome);
  ASSERT_TRUE(v4);
  const auto v6 = Listener::listen(cores, {.address = "::", .port = (*v4)->port()}, &welcome);
  if (!v6) GTEST_SKIP() << "no IPv6 on this machine: " << v6.error().message;

  EXPECT_NE(connect_to((*v4)->port()).receive(), "");
  EXPECT_NE(connect_to((*v6)->port(), "::1").receive(), "");
}

TEST_F(ListenerTest, SaysInWordsWhyItCannotListen) {
  const auto listener = Listener::listen(cores, {}, &welcome);
  ASSERT_TRUE(listener);

  EXPECT_THAT(why_not({.port = (*listener)->port()}),
              AllOf(HasSubstr(std::to_string((*listener)->port())), HasSubstr("taken")));
  EXPECT_THAT(why_not({.address = "localhost"}), HasSubstr("'localhost' is not an IP address"));
  EXPECT_THAT(why_not({.address = "192.0.2.77"}), HasSubstr("does not have the address 192.0.2.77"));
}

TEST_F(ListenerTest, ClosingFreesThePort) {
  auto listener = Listener::listen(cores, {}, &welcome);
  ASSERT_TRUE(listener);
  const std::uint16_t port = (*listener)->port();
  Peer peer = connect_to(port);
  EXPECT_NE(peer.receive(), "");

  (*listener)->close();
  std::atomic<bool> closed = false;
  cores.post(0, [&] {
    closed = true;
    closed.notify_one();
  });
  closed.wait(false);

  EXPECT_EQ(why_not({.port = port}), "");
}

TEST_F(ListenerTest, RefusesMoreThanTheGateLetsIn) {
  const auto gate = std::make_shared<Gate>(Gate::Limits{.connections = 100, .strangers_per_address = 2});
  const auto listener = Listener::listen(cores, {.gate = gate}, &welcome);
  ASSERT_TRUE(listener);
  Peer first = connect_to((*listener)->port());
  Peer second = connect_to((*listener)->port());
  EXPECT_NE(first.receive(), "");
  EXPECT_NE(second.receive(), "");

  EXPECT_EQ(connect_to((*listener)->port()).receive(), "");
  EXPECT_EQ(connect_to((*listener)->port()).receive(), "");

  EXPECT_THAT(logged(), testing::ElementsAre(HasSubstr("127.0.0.1 has 2 connections")));  // one line, not two
  EXPECT_EQ(gate->connections(), 2u);
  first.close();
  while (gate->connections() == 2) std::this_thread::yield();
  EXPECT_NE(connect_to((*listener)->port()).receive(), "");
}

// Takes every file descriptor but `spare` from this process.
class FewDescriptors {
 public:
  explicit FewDescriptors(unsigned spare) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const File next{::dup(::fileno(stderr))};
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next.get()) + spare;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, SurvivesHavingNoDescriptorsLeft) {
  const auto listener = Listener::listen(cores, {}, &welcome);
  ASSERT_TRUE(listener);
  EXPECT_NE(connect_to((*listener)->port()).receive(), "");
  Peer waiting;
  {
    const FewDescriptors few{1};
    waiting = connect_to((*listener)->port());  // takes the last one
    while (logged().empty()) std::this_thread::yield();
  }

  EXPECT_NE(waiting.receive(), "");
  EXPECT_THAT(logged(), testing::ElementsAre(HasSubstr("no new connections"), HasSubstr("again")));
}

}  // namespace
}  // namespace anser::net
