// What the chat program does about messages.
#include <cstdlib>
#include <utility>

#include "sdk/programs/chat_program.h"
#include "sdk/programs/fail.h"

namespace anser::programs {
namespace {

using namespace std::chrono_literals;
using Kind = Command::Kind;

constexpr std::size_t kPage = 20, kChats = View::kChats;
constexpr auto kPause = 8s;

std::chrono::system_clock::time_point now() { return std::chrono::system_clock::now(); }

std::string text_of(const sdk::Message& message) {
  const std::string subject = message.subject();
  if (subject.empty()) return message.body();
  return "[" + subject + "] " + message.body();
}

}  // namespace

void ChatProgram::do_command(const Command& command) {
  switch (command.kind) {
    case Kind::nothing:
      return;
    case Kind::say:
      return say(command.text);
    case Kind::help:
      for (const std::string& line : command_help()) show({{Style::plain, "", line}});
      return;
    case Kind::roster:
      show_contacts();
      return show(view_.roster(true));
    case Kind::chat: {
      const auto who = view_.find(command.who);
      return who ? open(*who) : show(View::trouble(who.error().message));
    }
    case Kind::close:
      on_typing(false);
      return show(view_.close());
    case Kind::history:
    case Kind::more:
      if (view_.open().empty()) return show(View::trouble("no chat is open; /chat WHO opens one"));
      return ask_archive(command.kind == Kind::more);
    case Kind::add:
    case Kind::remove:
    case Kind::rename:
      return do_contact_command(command);
    case Kind::send:
      return send_file(command.text);
    case Kind::accept:
    case Kind::reject:
      return answer_request(command);
    case Kind::status:
      return set_status(command);
    case Kind::quit:
      over_ = true;
      return;
  }
}

// ---- talking --------------------------------------------------------------------------------------------------------

sdk::Chat& ChatProgram::chat_with(const std::string& peer) {
  if (const auto known = chats_.find(peer); known != chats_.end()) return known->second;
  if (chats_.size() >= kChats) chats_.erase(chats_.begin());
  return chats_.emplace(peer, connection_.chat_manager().create_chat(peer)).first->second;
}

void ChatProgram::say(const std::string& text) {
  const std::string peer = view_.open();
  if (peer.empty()) return show(View::trouble("no chat is open; /chat WHO opens one"));
  sdk::Message message;
  message.set_body(text);
  say_to(peer, std::move(message));
}

void ChatProgram::say_to(const std::string& peer, sdk::Message message) {
  const std::string text = message.body();
  message.set_id(id_prefix_ + std::to_string(++last_id_));
  const auto sent = chat_with(peer).send(message, [this](const sdk::Delivery& delivery) {
    post([this, delivery] {
      if (delivery.outcome != sdk::Delivery::Outcome::delivered && under_way_ > 0) --under_way_;
      show(view_.delivery(delivery));
    });
  });
  if (!sent) return show(View::trouble("not sent: " + words(sent.error())));
  ++under_way_;
  view_.sending(peer, message.id(), text);
  show(view_.said({.peer = peer, .mine = true, .text = text, .when = now(), .id = message.id()}, now()));
}

// Said in the chat that was open when it was sent, when it can be fetched.
void ChatProgram::send_file(std::string path) {
  const std::string peer = view_.open();
  if (peer.empty()) return show(View::trouble("no chat is open; /chat WHO opens one"));
  const char* const home = std::getenv("HOME");
  if (path.starts_with("~/") && home) path.replace(0, 1, home);
  show(View::note("sending " + path));
  sdk::Upload upload{.path = path};
  connection_.file_transfers().upload(std::move(upload),
                                      [this, peer, path](const sdk::Result<sdk::UploadedFile>& sent) {
                                        post([this, peer, path, sent] {
                                          if (!sent)
                                            return show(View::trouble(path + " was not sent: " + words(sent.error())));
                                          say_to(peer, sdk::file_message(peer, sent->url));
                                        });
                                      });
}

void ChatProgram::on_typing(bool is_typing) {
  if (view_.open().empty()) return;
  if (is_typing) {
    pause_at_ = Clock::now() + kPause;
    static_cast<void>(chat_with(view_.open()).set_state(sdk::ChatState::composing));
  } else if (pause_at_) {
    pause_at_.reset();
    static_cast<void>(chat_with(view_.open()).set_state(sdk::ChatState::active));
  }
}

std::optional<Said> ChatProgram::said_of(const sdk::Message& message, std::optional<Time> when) const {
  if (!message.has_body() || message.type() == sdk::Message::Type::error) return std::nullopt;
  const bool mine = sdk::bare_of(message.from()) == login_.account;
  Said said{.peer = std::string{sdk::bare_of(mine ? message.to() : message.from())},
            .mine = mine,
            .text = text_of(message),
            .when = when ? *when : message.delay().value_or(now()),
            .id = message.id()};
  for (const sdk::Element& extension : message.extensions()) {
    if (extension.is("stanza-id", "urn:xmpp:sid:0") && extension.attribute("by") == login_.account)
      said.archive_id = extension.attribute("id");
  }
  if (said.peer.empty()) return std::nullopt;
  return said;
}

void ChatProgram::on_message(sdk::Chat chat, const sdk::Message& message) {
  auto said = said_of(message, std::nullopt);
  if (!said) return;
  // Notes to oneself come back as somebody else's.
  said->mine = false;
  if (chats_.size() < kChats || chats_.contains(said->peer)) chats_.insert_or_assign(said->peer, chat);
  show(view_.said(std::move(*said), now()));
}

void ChatProgram::on_carbon(sdk::CarbonManager::Direction direction, const sdk::Message& message) {
  auto said = said_of(message, std::nullopt);
  if (!said) return;
  said->mine = direction == sdk::CarbonManager::Direction::sent;
  if (said->mine) said->peer = sdk::bare_of(message.to());
  show(view_.said(std::move(*said), now()));
}

// ---- what was said before -------------------------------------------------------------------------------------------

void ChatProgram::open(const std::string& address) {
  on_typing(false);
  chat_with(address);  // from now on the library knows where chat states belong
  show(view_.open(address));
  ask_archive(false);
}

void ChatProgram::ask_archive(bool older) {
  if (older && all_shown_) return show(View::note("there is nothing before that"));
  sdk::ArchiveQuery query{.with = view_.open(), .page_size = kPage};
  if (older) {
    query.before = oldest_;
  } else {
    oldest_.clear();
    all_shown_ = false;
  }
  query.last_page = query.before.empty();
  connection_.archive_manager().query(query, [this, peer = query.with, older](sdk::Result<sdk::ArchivePage> page) {
    post([this, peer, older, page = std::move(page)] { on_page(peer, older, page); });
  });
}

void ChatProgram::on_page(const std::string& peer, bool older, const sdk::Result<sdk::ArchivePage>& page) {
  if (peer != view_.open()) return;
  if (!page) return show(view_.no_history(peer, page.error(), now()));
  std::vector<Said> all;
  for (const sdk::ArchivedMessage& archived : page->messages) {
    auto said = said_of(archived.message, archived.stamp);
    if (!said) continue;
    said->archive_id = archived.id;
    said->peer = peer;
    all.push_back(std::move(*said));
  }
  if (!page->first.empty()) oldest_ = page->first;
  all_shown_ = page->complete;
  show(view_.history(peer, all, page->complete, older, now()));
}

}  // namespace anser::programs
