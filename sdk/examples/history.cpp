// history HOST PORT CERTIFICATES: two devices of one account see the same conversation; then the archive.
#include "example.h"

using namespace example;

int main(int, char** arguments) {
  Awaited<std::string> copied;
  sdk::Connection phone{configuration(arguments)}, desk{configuration(arguments)};
  // [carbons]
  desk.carbon_manager().add_listener([&](sdk::CarbonManager::Direction direction, const sdk::Message& message) {
    if (direction == sdk::CarbonManager::Direction::sent) copied.set(message.to() + ": " + message.body());
  });
  // [/carbons]
  need(desk.connect());
  need(desk.login("romeo", "secret", "desk"));
  need(desk.carbon_manager().enable());  // login has asked for it already; this waits for the answer
  need(phone.connect());
  need(phone.login("romeo", "secret", "phone"));

  for (const char* text : {"one", "two", "three"}) {
    const auto stored = std::make_shared<Awaited<bool>>();
    need(phone.send(
        sdk::Message{"juliet@localhost", text, sdk::Message::Type::chat},
        [stored](const sdk::Delivery& delivery) { stored->set(delivery.outcome == sdk::Delivery::Outcome::stored); }));
    if (!stored->get()) return 1;
  }
  std::cout << "the desk saw " << copied.get() << '\n';

  // [archive]
  sdk::ArchiveQuery query;
  query.with = "juliet@localhost";
  query.page_size = 2;
  query.last_page = true;
  for (;;) {
    const sdk::ArchivePage page = need(desk.archive_manager().query(query));
    for (const sdk::ArchivedMessage& kept : page.messages) std::cout << "archive: " << kept.message.body() << '\n';
    if (page.complete || page.messages.empty()) break;
    query.last_page = false;
    query.before = page.first;  // further back
  }
  // [/archive]
  phone.disconnect();
  desk.disconnect();
}
