// Coming back with a session, and the channel bindings of both sides, which must be the same bytes.
#include "net/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "net/tls_client_test_support.h"

namespace anser::net {
namespace {

using testing::HasSubstr;

class TlsSessionTest : public TlsClientTest {
 protected:
  void SetUp() override { serve(authority.issue({.names = "DNS:one.example,DNS:two.example"})); }

  std::shared_ptr<const TlsClient> client(bool tls13 = true) {
    TlsClientOptions options = trusting(authority);
    options.allow_tls13 = tls13;
    return *TlsClient::make(options);
  }
  Meeting meet_again(const std::shared_ptr<const TlsClient>& client, const std::shared_ptr<const TlsSession>& session,
                     const std::string& service = "one.example") {
    const Meeting meeting = net::meet(loop, server, client, service, session);
    EXPECT_TRUE(meeting.client.handshake && meeting.server.handshake);
    EXPECT_EQ(meeting.client.input, "pong");
    EXPECT_EQ(meeting.client.resumed, meeting.server.resumed);
    return meeting;
  }
  static void expect_same_bindings(const Meeting& meeting) {
    EXPECT_TRUE(meeting.client.exporter && meeting.client.end_point);
    EXPECT_EQ(meeting.client.exporter, meeting.server.exporter);
    EXPECT_EQ(meeting.client.end_point, meeting.server.end_point);
    if (meeting.client.version == "TLSv1.3") {
      ASSERT_FALSE(meeting.client.unique);
      EXPECT_EQ(meeting.client.unique.error().code, Errc::unsupported);
    } else {
      EXPECT_TRUE(meeting.client.unique);
      EXPECT_EQ(meeting.client.unique, meeting.server.unique);
    }
  }
};

TEST_F(TlsSessionTest, BothSidesBindToTheSameFirstAndResumed) {
  for (const bool tls13 : {true, false}) {
    const auto ours = client(tls13);
    const Meeting first = meet_again(ours, nullptr);
    EXPECT_FALSE(first.client.resumed);
    expect_same_bindings(first);
    ASSERT_NE(first.client.session, nullptr);

    const Meeting again = meet_again(ours, first.client.session);
    EXPECT_TRUE(again.client.resumed);
    expect_same_bindings(again);
    EXPECT_NE(again.client.exporter, first.client.exporter);
    EXPECT_EQ(again.client.end_point, first.client.end_point);
    if (!tls13) {
      EXPECT_NE(again.client.unique, first.client.unique);
    }

    EXPECT_TRUE(again.client.verdict->verified);
    ASSERT_TRUE(again.client.peer);
    EXPECT_TRUE(again.client.peer->verified);
    EXPECT_EQ(again.client.peer->der, first.client.peer->der);

    const Meeting third = meet_again(ours, again.client.session);
    EXPECT_TRUE(third.client.resumed);
    expect_same_bindings(third);
  }
}

TEST_F(TlsSessionTest, ServesMoreThanOneConnection) {
  for (const bool tls13 : {true, false}) {
    const auto ours = client(tls13);
    const Meeting first = meet_again(ours, nullptr);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(meet_again(ours, first.client.session).client.resumed);
  }
}

TEST_F(TlsSessionTest, ServesOnlyItsServiceAndItsClient) {
  const auto ours = client();
  const auto session = meet_again(ours, nullptr).client.session;

  EXPECT_FALSE(meet_again(ours, session, "two.example").client.resumed);
  EXPECT_FALSE(meet_again(client(), session).client.resumed);  // what it trusts may be something else
  EXPECT_TRUE(meet_again(ours, session, "ONE.example").client.resumed);
}

TEST_F(TlsSessionTest, DoesNotOutliveTheServersCertificate) {
  serve(authority.issue({.names = "DNS:one.example", .from = -90'000, .until = -80'000}));
  TlsClientOptions options = trusting(authority);
  options.verify = false;
  const auto careless = *TlsClient::make(options);
  const Meeting first = meet_again(careless, nullptr);
  ASSERT_NE(first.client.session, nullptr);

  const Meeting again = meet_again(careless, first.client.session);

  EXPECT_FALSE(again.client.resumed);
  EXPECT_THAT(again.client.verdict->objection, HasSubstr("expired"));
}

TEST_F(TlsSessionTest, RemembersWhatWasFoundInTheFirstHandshake) {
  serve(authority.issue({.names = "DNS:other.example"}));
  TlsClientOptions options = trusting(authority);
  options.verify = false;
  const auto careless = *TlsClient::make(options);
  const Meeting first = meet_again(careless, nullptr);

  const Meeting again = meet_again(careless, first.client.session);

  ASSERT_TRUE(again.client.resumed);
  EXPECT_FALSE(again.client.verdict->verified);
  EXPECT_FALSE(again.client.verdict->enforced);
  EXPECT_FALSE(again.client.peer->verified);
  EXPECT_EQ(again.client.verdict->objection, first.client.verdict->objection);
}

TEST_F(TlsSessionTest, AServerThatHasForgottenItIsVerifiedAnew) {
  for (const bool tls13 : {true, false}) {
    const auto ours = client(tls13);
    SetUp();
    const Meeting first = meet_again(ours, nullptr);
    SetUp();  // another key for its tickets, and another certificate

    const Meeting again = meet_again(ours, first.client.session);
    EXPECT_FALSE(again.client.resumed);
    EXPECT_TRUE(again.client.verdict->verified);
    EXPECT_NE(again.client.peer->der, first.client.peer->der);
    expect_same_bindings(again);

    const Authority stranger{"stranger"};
    serve(stranger.issue({.names = "DNS:one.example"}));
    const Meeting betrayed = net::meet(loop, server, ours, "one.example", first.client.session);
    ASSERT_FALSE(betrayed.client.handshake);
    EXPECT_EQ(betrayed.client.handshake.error().code, Errc::not_authorized);
  }
}

TEST_F(TlsSessionTest, IsSharedByThreads) {
  const auto ours = client();
  const auto session = meet_again(ours, nullptr).client.session;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      Loop their_loop;
      for (int j = 0; j < 5; ++j) {
        const Meeting meeting = net::meet(their_loop, server, ours, "one.example", session);
        EXPECT_TRUE(meeting.client.handshake && meeting.client.resumed);
      }
    });
  }
}

}  // namespace
}  // namespace anser::net
