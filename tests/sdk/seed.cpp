// What people write with Smack 3 to get to know it, call for call with this library: configuration, connection,
// accounts, the user's roster, packets, chats. Each part has a connection of its own, as each test of theirs had. Says
// what every call answered; tests/sdk/test_seed.py knows what is right.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "tests/sdk/program.h"

namespace anser::tests {
namespace {

using namespace std::chrono_literals;
using sdk::Connection;

constexpr std::string_view kStatus = "Q我吧";

std::string joined(const auto& words) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : ",").append(word);
  return all;
}

class Scenario {
 public:
  explicit Scenario(const Arguments& given)
      : user_(given.text("user")),
        password_(given.text("password")),
        friend_(given.text("friend")),
        configuration_(configuration_from(given)) {
    configuration_.compression_enabled = given.has("compression");
    configuration_.sasl_enabled = !given.has("old-login");
    if (given.has("own-sockets"))
      configuration_.socket_factory = [this](const std::string&, std::uint16_t port) { return make_socket(port); };
  }

  void configuration() {
    say("pkcs11_library", configuration_.tls.pkcs11_library);
    say("service_name", configuration_.service_name);
    say("truststore_password", configuration_.tls.truststore_password);
    say("truststore_path", configuration_.tls.truststore_path);
    say("truststore_type", configuration_.tls.truststore_type);
    say("socket_factory", static_cast<bool>(configuration_.socket_factory));
  }

  void connection() {
    auto connection = connected();
    say("connection_id", connection->connection_id());
    auto& accounts = connection->account_manager();
    say("attributes", joined(must(accounts.account_attributes(), "attributes")));
    say("instructions", must(accounts.account_instructions(), "instructions"));
    say("connected", connection->is_connected());
    say("anonymous", connection->is_anonymous());
    say("authenticated", connection->is_authenticated());
    say("secure", connection->is_secure());
    const auto tls = connection->tls();
    say("verified", tls && tls->verified);
    must(connection->login(user_, password_), "login");
    say("compressed", connection->is_using_compression());  // by XEP-0138 it begins after the login
    say("managed", connection->is_using_stream_management());
    connection->disconnect();
    say("connected_at_last", connection->is_connected());
    say("sockets_made", sockets_made_.load());
  }

  void accounts() {
    {
      auto connection = connected();
      auto& accounts = connection->account_manager();
      say("supports_creation", must(accounts.supports_account_creation(), "whether accounts may be made"));
      say("created", outcome_of(accounts.create_account("boy", "boy")));
      say("changed_before_login", outcome_of(accounts.change_password("abc")));
      connection->disconnect();
    }
    {
      auto connection = connected();
      must(connection->login("boy", "boy"), "the new account's login");
      say("changed", outcome_of(connection->account_manager().change_password("abc")));
      connection->disconnect();
    }
    {
      auto connection = connected();
      say("created_again", outcome_of(connection->account_manager().create_account("boy", "boy")));
      say("old_password", outcome_of(connection->login("boy", "boy")));
      connection->disconnect();
    }
    auto connection = connected();
    say("new_password", outcome_of(connection->login("boy", "abc")));
    say("deleted", outcome_of(connection->account_manager().delete_account()));
  }

  void user() {
    auto connection = connected();
    must(connection->login(user_, password_), "login");
    say("user", connection->user());
    show("entry", connection->roster().entries());
    show("unfiled", connection->roster().unfiled_entries());
    connection->disconnect();
  }

  void packets() {
    auto connection = connected();
    must(connection->login(user_, password_), "login");
    sdk::Presence presence{sdk::Presence::Type::available};
    presence.set_status(std::string{kStatus});
    must(connection->send(presence), "presence");

    sdk::IQ session{sdk::IQ::Type::set, sdk::Element{"session", "urn:ietf:params:xml:ns:xmpp-session"}};
    session.set_id("session-1");
    auto answers = connection->collect(sdk::filter::id("session-1"));
    must(connection->send(session), "session");
    const auto answer = answers.next(10s);
    say("session", answer && static_cast<const sdk::IQ&>(*answer).type() == sdk::IQ::Type::result);

    sdk::Message message{friend_, sdk::Message::Type::chat};
    message.set_body("h!~ jojo, I'am is hoojo!");
    std::promise<sdk::Delivery> told;
    auto delivery = told.get_future();
    must(connection->send(message, [&](const sdk::Delivery& now) { told.set_value(now); }), "message");
    if (delivery.wait_for(10s) != std::future_status::ready) throw Failure{"nobody said what became of the message"};
    say("stored", delivery.get().outcome == sdk::Delivery::Outcome::stored);
    connection->disconnect();
  }

  void chats() {
    auto connection = connected();
    must(connection->login(user_, password_), "login");
    sdk::Presence presence{sdk::Presence::Type::available};
    presence.set_status(std::string{kStatus});
    must(connection->send(presence), "presence");

    std::promise<void> heard;
    auto first = heard.get_future();
    auto listen = [&, once = false](sdk::Chat& chat, const sdk::Message& message) mutable {
      say("answered", outcome_of(chat.send("dingding……" + message.body())));
      say("from", message.from());
      say("to", message.to());
      say("type", name_of(message.type()));
      say("xml", message.to_xml());
      say("body", message.body());
      if (!std::exchange(once, true)) heard.set_value();
    };
    auto chat = connection->chat_manager().create_chat(friend_, listen);
    must(chat.send("h!~ jojo……"), "chat");
    sdk::Message message;
    message.set_body("message");
    message.set_property("color", "red");
    must(chat.send(message), "message with a property");
    say("thread", chat.thread());
    if (first.wait_for(60s) != std::future_status::ready) throw Failure{"nobody answered"};
    connection->disconnect();
  }

 private:
  std::unique_ptr<Connection> connected() {
    auto connection = std::make_unique<Connection>(configuration_);
    must(connection->connect(), "connect");
    return connection;
  }

  static void show(std::string_view name, const std::vector<sdk::RosterEntry>& entries) {
    for (const auto& entry : entries) {
      std::string line = entry.user + " [" + joined(entry.groups) + "] \"" + entry.name + "\" ";
      line.append(entry.subscription_pending ? "pending " : "- ").append(name_of(entry.subscription));
      say(name, line);
    }
  }

  sdk::Result<int> make_socket(std::uint16_t port) {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (made < 0 || ::connect(made, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
      if (made >= 0) ::close(made);
      return tl::make_unexpected(sdk::Error{sdk::Errc::unreachable, "nobody is there"});
    }
    ++sockets_made_;
    return made;
  }

  const std::string user_, password_, friend_;
  sdk::ConnectionConfiguration configuration_;
  std::atomic<int> sockets_made_ = 0;
};

void run(const Arguments& given) {
  Scenario scenario{given};
  scenario.configuration();
  scenario.connection();
  scenario.accounts();
  scenario.user();
  scenario.packets();
  scenario.chats();
}

}  // namespace
}  // namespace anser::tests

int main(int count, char** words) { return anser::tests::run_program(count, words, anser::tests::run); }
