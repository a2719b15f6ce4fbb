// A server that does what a test tells it to, over real sockets: it hears, it says, it cuts the line. For tests only;
// it blocks, the connection under test has its own thread.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <future>
#include <string>
#include <string_view>

#include "anser/connection.h"
#include "net/file.h"
#include "net/openssl.h"

namespace anser::sdk {

inline constexpr std::chrono::seconds kPatience{60};  // a test that hangs fails

class TestServer {
 public:
  TestServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }

  std::uint16_t port() const { return port_; }

  ConnectionConfiguration configuration() const {
    ConnectionConfiguration configuration{"127.0.0.1", port_, "example.org"};
    configuration.security = SecurityMode::disabled;
    configuration.plain_in_the_clear = true;
    configuration.sasl_mechanisms = {"PLAIN"};
    configuration.roster_loaded_at_login = false;
    configuration.send_presence = false;
    configuration.carbons_enabled = false;
    configuration.reconnection.base = std::chrono::milliseconds{1};
    configuration.reconnection.cap = std::chrono::milliseconds{50};
    return configuration;
  }

  // The next connection, in place of the last.
  void accept() {
    ASSERT_TRUE(ready(listener_.get())) << "nobody connects";
    tls_.reset();
    peer_ = net::File{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    heard_.clear();
  }
  // Somebody waits to be accepted.
  bool is_called() const { return ready(listener_.get(), 0); }
  // Reads up to and including `end`; what came with it. Later input stays for the next call.
  std::string hears(std::string_view end) {
    for (;;) {
      const auto at = heard_.find(end);
      if (at != std::string::npos) {
        std::string all = heard_.substr(0, at + end.size());
        heard_.erase(0, at + end.size());
        return all;
      }
      if (!receive()) {
        ADD_FAILURE() << "heard no " << end << " but: " << heard_;
        return {};
      }
    }
  }
  std::string hears_bytes(std::size_t count) {
    while (heard_.size() < count) {
      if (!receive()) {
        ADD_FAILURE() << "heard less than " << count << " bytes";
        return std::string(count, '\0');
      }
    }
    std::string bytes = heard_.substr(0, count);
    heard_.erase(0, count);
    return bytes;
  }
  void says(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = tls_ ? SSL_write(tls_.get(), text.data(), static_cast<int>(text.size()))
                                : ::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void cuts() {
    tls_.reset();
    ::shutdown(peer_.get(), SHUT_RDWR);
    peer_ = net::File{};
  }
  // The client has closed the connection.
  bool sees_the_end() {
    while (receive()) heard_.clear();
    return true;
  }
  // Until the client has closed it.
  std::string hears_the_rest() {
    while (receive()) continue;
    return std::exchange(heard_, {});
  }

  // The server's side of a TLS handshake; from then on all is said and heard through it.
  void secures(SSL_CTX* context) {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), peer_.get());
    ASSERT_EQ(SSL_accept(tls_.get()), 1) << net::openssl_reason();
  }
  // The same with a client that breaks it off. What TLS 1.3 lets us say meanwhile is not read: the end is what comes.
  void fails_to_secure(SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);  // its client speaks last: we hear that it refuses
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), peer_.get());
    EXPECT_NE(SSL_accept(tls_.get()), 1);
    tls_.reset();
  }

  // Pieces of dialogue. `management` offers XEP-0198.
  void opens_stream() {
    hears("<stream:stream");
    hears(">");
    says(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "id='s1' from='example.org' version='1.0'>");
  }
  void offers_plain() {
    says(
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
        "</mechanisms></stream:features>");
  }
  void lets_in() {
    hears("</auth>");
    says("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    opens_stream();
  }
  void binds(bool management = false) {
    says("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
    if (management) says("<sm xmlns='urn:xmpp:sm:3'/>");
    says("</stream:features>");
    const std::string id = id_of(hears("</iq>"));
    says("<iq type='result' id='" + id +
         "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@example.org/orchard</jid></bind></iq>");
    if (!management) return;
    hears("<enable");
    hears("/>");
    says("<enabled xmlns='urn:xmpp:sm:3' id='s-1' resume='true'/>");
  }
  // Of the server, then of the account.
  void tells_features() {
    for (int i = 0; i < 2; ++i) {
      const std::string request = hears("</iq>");
      says("<iq type='result' id='" + id_of(request) + "' from='" + attribute_of(request, "to") +
           "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    }
  }
  // A reconnection, up to the question for the old session; `old` is its id.
  void is_asked_to_resume(std::string_view old = "s-1") {
    accept();
    opens_stream();
    offers_plain();
    lets_in();
    says(
        "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"
        "</stream:features>");
    EXPECT_EQ(attribute_of(hears("/>"), "previd"), old);
  }
  void resumes(int handled, std::string_view old = "s-1") {
    says("<resumed xmlns='urn:xmpp:sm:3' previd='" + std::string{old} + "' h='" + std::to_string(handled) + "'/>");
  }
  void has_no_such_session() {
    says("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
  }
  void takes_login(bool management = false) {
    accept();
    opens_stream();
    offers_plain();
    lets_in();
    binds(management);
    tells_features();
  }

  static std::string attribute_of(const std::string& xml, const std::string& name) {
    const auto at = xml.rfind(name + "='");
    if (at == std::string::npos) return {};
    const auto start = at + name.size() + 2;
    return xml.substr(start, xml.find('\'', start) - start);
  }
  // Of the last stanza in what was heard.
  static std::string id_of(const std::string& xml) {
    const auto start = xml.rfind("<iq");
    return start == std::string::npos ? std::string{} : attribute_of(xml.substr(start), " id");
  }

 private:
  static bool ready(int socket, int milliseconds = static_cast<int>(std::chrono::milliseconds{kPatience}.count())) {
    pollfd wish{socket, POLLIN, 0};
    return ::poll(&wish, 1, milliseconds) == 1;
  }
  bool receive() {
    std::array<char, 65536> buffer;
    const bool buffered = tls_ && SSL_pending(tls_.get()) > 0;
    if (!buffered && !ready(peer_.get())) return false;
    const ssize_t got = tls_ ? SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()))
                             : ::recv(peer_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    heard_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  net::File listener_, peer_;
  net::SslPtr tls_;
  std::uint16_t port_ = 0;
  std::string heard_;
};

// What a call of the library announces, for a test that waits for it.
template <class T>
class Told {
 public:
  Told() : state_(std::make_shared<State>()), future_(state_->promise.get_future()) {}

  auto teller() const {
    return [state = state_](T value) {
      if (!std::exchange(state->told, true)) state->promise.set_value(std::move(value));
    };
  }
  T get() {
    if (future_.wait_for(kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "nothing was told";
      std::abort();  // the threads that hang would keep the test program from ending
    }
    return future_.get();
  }

 private:
  struct State {
    std::promise<T> promise;
    bool told = false;
  };
  std::shared_ptr<State> state_;
  std::future<T> future_;
};

class SessionTest : public testing::Test {
 protected:
  void log_in(Connection& connection, bool management = false) {
    Told<Result<void>> in;
    connection.connect([&](const Result<void>& connected) {
      ASSERT_TRUE(connected) << connected.error().message;
      connection.login("romeo", "secret", "orchard", in.teller());
    });
    server.takes_login(management);
    const auto done = in.get();
    ASSERT_TRUE(done) << done.error().message;
  }

  TestServer server;
};

inline Message to_juliet(std::string body) { return {"juliet@example.org", std::move(body), Message::Type::chat}; }

}  // namespace anser::sdk
