#include "net/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <thread>

#include "net/dial_test_support.h"
#include "net/dns_test_support.h"
#include "net/host.h"
#include "net/within.h"

namespace anser::net {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

class DialOnLoopback : public testing::Test {
 protected:
  DialOptions with_network() {
    DialOptions options;
    options.connect = network_.connector();
    return options;
  }
  Task<Result<Dialled>> start(std::vector<Endpoint> endpoints, DialOptions options) {
    return dial(resolver_, std::move(endpoints), std::move(options));
  }
  Result<Dialled> reach(std::vector<Endpoint> endpoints, DialOptions options) {
    return wait_for(*loop_, start(std::move(endpoints), std::move(options)));
  }
  Result<Dialled> reach(std::vector<Endpoint> endpoints) { return reach(std::move(endpoints), with_network()); }

  std::unique_ptr<Loop> loop_ = std::make_unique<Loop>();
  std::unique_ptr<FakeDns> dns_ = std::make_unique<FakeDns>(loop_->core);
  Resolver resolver_{loop_->core, dns_->options()};
  FakeNetwork network_;
  Port open_{true}, refusing_{false};
};

// What the socket gives next, at least that many bytes.
std::string read_from(const Dialled& dialled, std::size_t size) {
  ::fcntl(dialled.socket.get(), F_SETFL, 0);
  return Peer{File{::dup(dialled.socket.get())}}.receive_exactly(size);
}

// Directly -----------------------------------------------------------------------------------------------------------

TEST_F(DialOnLoopback, ReachesAHostByName) {
  dns_->has_address("talk.example.org", "127.0.0.1");
  const Endpoint endpoint{"talk.example.org", open_.number(), true};

  const auto dialled = reach({endpoint});

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(dialled->endpoint, endpoint);
  EXPECT_EQ(dialled->peer, open_.endpoint());
  open_.accept().send("hello");
  EXPECT_EQ(read_from(*dialled, 5), "hello");
}

TEST_F(DialOnLoopback, TriesBothFamiliesOfAHost) {
  dns_->has_address("talk.example.org", "2001:db8::1");
  dns_->has_address("talk.example.org", "127.0.0.1");

  const auto dialled = reach({{"talk.example.org", open_.number(), false}});

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_THAT(network_.tried(), ElementsAre("2001:db8::1", "127.0.0.1"));
  EXPECT_EQ(dialled->peer, open_.endpoint());
}

TEST_F(DialOnLoopback, GoesOnToTheNextEndpoint) {
  auto options = with_network();
  options.endpoint_limit = milliseconds{1000};  // the last has to be reached in it

  const auto dialled = reach({{"127.0.0.1", refusing_.number(), true},
                              {"gone.example.org", 5222, false},
                              {"192.0.2.1", 5222, false},
                              {"127.0.0.1", open_.number(), false}},
                             std::move(options));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(dialled->endpoint, (Endpoint{"127.0.0.1", open_.number(), false}));
  EXPECT_TRUE(network_.all_closed());
}

TEST_F(DialOnLoopback, SaysWhatWasTriedAndWhyItWasGivenUp) {
  dns_->has_address("talk.example.org", "127.0.0.1");
  dns_->has_address("talk.example.org", "192.0.2.1");
  auto options = with_network();
  options.endpoint_limit = milliseconds{1500};

  const auto dialled = reach({{"talk.example.org", refusing_.number(), true},
                              {"127.0.0.1", refusing_.number(), false},
                              {"gone.example.org", 5222, false}},
                             std::move(options));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().code, Errc::unavailable);
  const std::string refused = refusing_.text();
  EXPECT_THAT(
      dialled.error().message,
      AllOf(testing::StartsWith("cannot connect: "), HasSubstr(refused + " (talk.example.org): Connection refused; "),
            HasSubstr(fmt::format("192.0.2.1:{} (talk.example.org): no answer in time; ", refusing_.number())),
            HasSubstr("; " + refused + ": Connection refused; "),
            EndsWith("; gone.example.org has no address in the DNS")));
}

TEST_F(DialOnLoopback, FailuresThatAgreeKeepTheirCode) {
  const auto nowhere = reach({{"a.example.org", 5222, false}, {"b.example.org", 5222, false}});
  const auto no_host = reach({{"no host", 5222, false}});

  ASSERT_FALSE(nowhere || no_host);
  EXPECT_EQ(nowhere.error().code, Errc::not_found);
  EXPECT_EQ(no_host.error(), (Error{Errc::bad_request, "cannot connect: 'no host' is not the name of a host"}));
}

TEST_F(DialOnLoopback, EndsAtItsLimit) {
  auto options = with_network();
  options.limit = milliseconds{500};

  const auto dialled = reach({{"192.0.2.1", 5222, false}, {"127.0.0.1", open_.number(), false}}, std::move(options));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error(), (Error{Errc::timeout, "cannot connect: 192.0.2.1:5222: no answer in time"}));
  EXPECT_EQ(reach({}).error().code, Errc::timeout);
}

TEST_F(DialOnLoopback, TheListOfFailuresIsBounded) {
  const std::vector<Endpoint> many(100, Endpoint{"127.0.0.1", refusing_.number(), false});

  const auto dialled = reach(many);

  ASSERT_FALSE(dialled);
  EXPECT_THAT(dialled.error().message, EndsWith("; and 84 more"));
  EXPECT_LT(dialled.error().message.size(), 1000u);
}

TEST_F(DialOnLoopback, EndsWhenItsOwnerDoesNotWaitAnyLonger) {
  auto options = with_network();
  options.limit = options.endpoint_limit = std::chrono::hours{1};

  const auto late = wait_for(
      *loop_, within(milliseconds{1},
                     start({{"192.0.2.1", 5222, false}, {"127.0.0.1", open_.number(), false}}, std::move(options))));

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), (Error{Errc::timeout, "not done within 1 ms"}));
  EXPECT_FALSE(open_.visited());
}

TEST_F(DialOnLoopback, DiesWithItsCore) {
  dns_->tell("talk.example.org", FakeDns::kA, {.silent = true});
  std::optional<Result<Dialled>> dialled, looking;
  auto one = start({{"192.0.2.1", 5222, false}}, with_network());
  auto other = start({{"talk.example.org", 5222, false}}, with_network());
  boost::asio::co_spawn(loop_->core.io(), keep(std::move(one), dialled), boost::asio::detached);
  boost::asio::co_spawn(loop_->core.io(), keep(std::move(other), looking), boost::asio::detached);
  while (network_.tried().empty() || dns_->questions().empty()) loop_->core.io().run_one();

  dns_.reset();
  loop_.reset();

  EXPECT_FALSE(dialled || looking);
  EXPECT_TRUE(network_.all_closed());
}

// The application's own sockets --------------------------------------------------------------------------------------

TEST_F(DialOnLoopback, AnApplicationConnectsInItsOwnWay) {
  auto options = with_network();
  std::string asked;
  options.factory = socket_factory([&](const std::string& host, std::uint16_t port) {
    asked = authority(host, port);
    return ::dup(connect_to(open_.number()).get());
  });

  const auto dialled = reach({{"talk.example.org", 5222, false}}, std::move(options));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(asked, "talk.example.org:5222");
  EXPECT_EQ(dialled->peer, open_.endpoint());
  EXPECT_TRUE(::fcntl(dialled->socket.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(dialled->socket.get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_THAT(network_.tried(), IsEmpty());
  EXPECT_THAT(dns_->questions(), IsEmpty());
}

TEST_F(DialOnLoopback, AnApplicationsSocketNeedNotBeTcp) {
  auto [ours, theirs] = local_pair();
  auto options = with_network();
  options.factory = socket_factory([&ours = ours](const std::string&, std::uint16_t) { return ours.socket.release(); });

  const auto dialled = reach({{"talk.example.org", 5222, false}}, std::move(options));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(dialled->peer, boost::asio::ip::tcp::endpoint{});
}

TEST_F(DialOnLoopback, AnApplicationsFailuresAreNamed) {
  int calls = 0;
  auto options = with_network();
  options.factory = socket_factory([&](const std::string&, std::uint16_t) {
    errno = ++calls == 1 ? EHOSTUNREACH : 0;
    return -1;
  });

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}}, std::move(options));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().message,
            "cannot connect: a.example:1: No route to host; b.example:2: the application gave no socket");
}

Task<Result<File>> never(std::string, std::uint16_t) {
  co_await pause_for(std::chrono::hours{1});
  co_return fail(Errc::closed, "cancelled");
}

TEST_F(DialOnLoopback, AnApplicationThatNeverConnectsIsNotWaitedFor) {
  auto options = with_network();
  options.factory = never;
  options.endpoint_limit = milliseconds{1};

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}}, options);
  options.endpoint_limit = options.limit = std::chrono::hours{1};
  const auto cancelled = wait_for(*loop_, within(milliseconds{1}, start({{"a.example", 1, false}}, options)));

  ASSERT_FALSE(dialled || cancelled);
  EXPECT_EQ(dialled.error().code, Errc::timeout);
  EXPECT_THAT(dialled.error().message, AllOf(HasSubstr("a.example:1: not done"), HasSubstr("b.example:2: not done")));
  EXPECT_EQ(cancelled.error().code, Errc::timeout);
}

// Through a proxy ----------------------------------------------------------------------------------------------------

class DialThroughAProxy : public DialOnLoopback {
 protected:
  DialOptions through(Proxy::Kind kind, std::string username = {}, std::string password = {}) {
    auto options = with_network();
    options.proxy = Proxy{kind, "127.0.0.1", open_.number(), std::move(username), std::move(password)};
    return options;
  }
};

const std::string kSocksRequest = "\5\1\0\3\x10talk.example.org\x14\x66"s;
const std::string kSocksReply = "\5\0\0\1\x7f\0\0\1\x1f\x90"s;

TEST_F(DialThroughAProxy, SocksLeavesTheStreamUntouched) {
  std::jthread proxy{[this] {
    Peer client = open_.accept();
    EXPECT_EQ(client.receive_exactly(4), "\5\2\0\2"s);
    client.send("\5");
    client.send("\2");
    EXPECT_EQ(client.receive_exactly(16), "\1\5romeo\10juliet4e"s);
    client.send("\1\0"s);
    EXPECT_EQ(client.receive_exactly(kSocksRequest.size()), kSocksRequest);
    client.send(kSocksReply + "<stream>");
    EXPECT_EQ(client.receive_exactly(5), "hello");
  }};

  const auto dialled = reach({{"talk.example.org", 5222, true}}, through(Proxy::Kind::socks5, "romeo", "juliet4e"));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(dialled->endpoint, (Endpoint{"talk.example.org", 5222, true}));
  EXPECT_EQ(dialled->peer, open_.endpoint());
  EXPECT_EQ(read_from(*dialled, 8), "<stream>");
  EXPECT_EQ(::send(dialled->socket.get(), "hello", 5, MSG_NOSIGNAL), 5);
  EXPECT_THAT(dns_->questions(), IsEmpty());  // the proxy resolves
}

TEST_F(DialThroughAProxy, HttpLeavesTheStreamUntouched) {
  const std::string request = "CONNECT talk.example.org:5222 HTTP/1.1\r\nHost: talk.example.org:5222\r\n\r\n";
  std::jthread proxy{[&, this] {
    Peer client = open_.accept();
    EXPECT_EQ(client.receive_exactly(request.size()), request);
    client.send("HTTP/1.1 200 OK\r\nVia: " + std::string(2000, 'x') + "\r\n\r\n<stream>");
    EXPECT_EQ(client.receive_exactly(5), "hello");
  }};

  const auto dialled = reach({{"talk.example.org", 5222, false}}, through(Proxy::Kind::http_connect));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(read_from(*dialled, 8), "<stream>");
  EXPECT_EQ(::send(dialled->socket.get(), "hello", 5, MSG_NOSIGNAL), 5);
  EXPECT_THAT(dns_->questions(), IsEmpty());
}

TEST_F(DialThroughAProxy, GoesOnToTheNextEndpointWhenTheProxyCannotReachOne) {
  std::jthread proxy{[this] {
    for (const char* code : {"\5", "\1", ""}) {
      Peer client = open_.accept();
      client.receive_exactly(3);
      client.send("\5\0"s);
      client.receive_exactly(5 + 13 + 2);
      client.send(*code ? "\5"s + code : kSocksReply);
      client.receive();
    }
  }};

  const auto dialled = reach({{"a.example.com", 1, false}, {"b.example.com", 2, false}, {"c.example.com", 3, false}},
                             through(Proxy::Kind::socks5));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(dialled->endpoint.host, "c.example.com");
}

TEST_F(DialThroughAProxy, AProxyThatWantsAnotherLoginIsAskedOnce) {
  std::jthread proxy{[this] {
    Peer client = open_.accept();
    client.receive();
    client.send("HTTP/1.1 407 Who are you?\r\n\r\n");
    client.receive();
  }};

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}},
                             through(Proxy::Kind::http_connect, "romeo", "wherefore"));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().code, Errc::not_authorized);
  EXPECT_EQ(dialled.error().message, fmt::format("cannot connect: a.example:1 through {}: the HTTP proxy does not "
                                                 "accept this name and password (407)",
                                                 open_.text()));
  EXPECT_FALSE(open_.visited());
}

TEST_F(DialThroughAProxy, AProxyThatCannotBeReachedIsTriedOnce) {
  auto options = through(Proxy::Kind::socks5);
  options.proxy->port = refusing_.number();

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}}, std::move(options));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().message, fmt::format("cannot connect: {}: Connection refused", refusing_.text()));
  EXPECT_THAT(network_.tried(), ElementsAre("127.0.0.1"));
}

TEST_F(DialThroughAProxy, AProxyThatHangsUpIsAnError) {
  std::jthread proxy{[this] {
    Peer polite = open_.accept();
    polite.receive();
    polite.close();
    Peer rude = open_.accept();
    rude.receive();
    rude.reset();
  }};

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}}, through(Proxy::Kind::socks5));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().code, Errc::io);
  EXPECT_THAT(dialled.error().message, AllOf(HasSubstr("a.example:1 through "), HasSubstr(": the proxy hung up; "),
                                             HasSubstr("b.example:2 through "), HasSubstr(": the proxy has gone: ")));
}

TEST_F(DialThroughAProxy, ASilentProxyIsNotWaitedFor) {
  auto options = through(Proxy::Kind::http_connect);
  options.endpoint_limit = milliseconds{500};  // the proxy itself is reached in it

  const auto dialled = reach({{"a.example", 1, false}, {"b.example", 2, false}}, options);
  options.endpoint_limit = std::chrono::hours{1};
  const auto cancelled = wait_for(*loop_, within(milliseconds{1}, start({{"a.example", 1, false}}, options)));

  ASSERT_FALSE(dialled || cancelled);
  EXPECT_EQ(dialled.error().code, Errc::timeout);
  EXPECT_THAT(dialled.error().message, HasSubstr("b.example:2 through " + open_.text() + ": the proxy gave no answer"));
  EXPECT_EQ(cancelled.error(), (Error{Errc::timeout, "not done within 1 ms"}));
}

TEST_F(DialThroughAProxy, WhatTheProxyCannotBeAskedIsNotAsked) {
  const auto dialled = reach({{"a\r\nb", 1, false}}, through(Proxy::Kind::http_connect));

  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().code, Errc::bad_request);
  EXPECT_FALSE(open_.visited());
}

TEST_F(DialThroughAProxy, AnApplicationMayConnectToTheProxyItself) {
  auto options = through(Proxy::Kind::socks5);
  options.proxy->host = "proxy.example.org";
  std::string asked;
  options.factory = socket_factory([&](const std::string& host, std::uint16_t port) {
    asked = authority(host, port);
    return ::dup(connect_to(open_.number()).get());
  });
  std::jthread proxy{[this] {
    Peer client = open_.accept();
    client.receive_exactly(3);
    client.send("\5\0"s);
    client.receive_exactly(kSocksRequest.size());
    client.send(kSocksReply);
  }};

  const auto dialled = reach({{"talk.example.org", 5222, false}}, std::move(options));

  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_EQ(asked, fmt::format("proxy.example.org:{}", open_.number()));
}

}  // namespace
}  // namespace anser::net
