// chat HOST PORT CERTIFICATES: romeo and juliet talk.
#include "example.h"

using namespace example;

int main(int, char** arguments) {
  Awaited<std::string> answer, color;
  sdk::Connection romeo{configuration(arguments)}, juliet{configuration(arguments)};

  // [answer]
  juliet.chat_manager().add_chat_listener([](sdk::Chat& chat, bool locally) {
    if (locally) return;
    chat.add_message_listener([](sdk::Chat& chat, const sdk::Message& message) {
      std::cout << "juliet hears: " << message.body() << '\n';
      auto sent = chat.send("Ay me!");
      if (!sent) std::cerr << sent.error().message << '\n';
    });
  });
  // [/answer]
  need(juliet.connect());
  need(juliet.login("juliet", "secret"));
  need(romeo.connect());
  need(romeo.login("romeo", "secret"));

  // [create]
  sdk::Chat chat = romeo.chat_manager().create_chat(
      "juliet@localhost", [&](sdk::Chat&, const sdk::Message& message) { answer.set(message.body()); });
  need(chat.send("She speaks."));
  // [/create]
  const std::string answered = answer.get();
  std::cout << "romeo hears: " << answered << '\n';

  const auto listener = juliet.add_stanza_listener(
      // [filter]
      sdk::filter::all_of({sdk::filter::message(sdk::Message::Type::chat), sdk::filter::from_bare("romeo@localhost")}),
      [&](const sdk::Stanza& stanza) {
        if (auto value = stanza.property("color")) color.set(std::get<std::string>(*value));
      });
  // [/filter]
  // [property]
  sdk::Message message;
  message.set_body("O, speak again, bright angel!");
  message.set_body("O, sprich noch einmal, holder Engel!", "de");
  message.set_property("color", std::string{"red"});
  need(chat.send(message));
  // [/property]
  const std::string painted = color.get();
  std::cout << "in " << painted << '\n';
  juliet.remove_listener(listener);

  // [collector]
  sdk::StanzaCollector collector = juliet.collect(sdk::filter::kind(sdk::Stanza::Kind::message));
  need(chat.send("Good night."));
  if (auto stanza = collector.next(std::chrono::seconds{10}))
    std::cout << "collected: " << static_cast<const sdk::Message&>(*stanza).body() << '\n';
  // [/collector]
  romeo.disconnect();
  juliet.disconnect();
}
