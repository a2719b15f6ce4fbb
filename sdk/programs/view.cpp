#include "sdk/programs/view.h"

#include <algorithm>
#include <cwctype>
#include <utility>

#include "anser/address.h"
#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

using Time = std::chrono::system_clock::time_point;
using Outcome = sdk::Delivery::Outcome;

constexpr std::size_t kNameColumns = 24, kPreviewColumns = 60, kMessageLines = 200, kMessageBytes = 32 * 1024;

// "12:03", with the date if it is not today's; in the zone of the program.
std::string clock(Time when, Time now) {
  const auto at = [](Time time, const char* format) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[32];
    return std::string{text, std::strftime(text, sizeof text, format, &parts)};
  };
  const bool today = at(when, "%F") == at(now, "%F");
  return at(when, today ? "%H:%M" : "%F %H:%M");
}

// Both ids of a message: it is the same if one is.
std::vector<std::string> ids_of(const Said& said) {
  std::vector<std::string> ids;
  if (!said.archive_id.empty()) ids.push_back("archive " + said.archive_id);
  if (!said.id.empty()) ids.push_back((said.mine ? "mine " : "theirs ") + said.id);
  return ids;
}

std::string preview(std::string_view text) { return fitted(shown(text.substr(0, kMessageBytes)), kPreviewColumns); }

Lines append(Lines lines, Lines more) {
  std::move(more.begin(), more.end(), std::back_inserter(lines));
  return lines;
}

}  // namespace

View::View(std::string account, bool marks_as_lines) : account_(std::move(account)), marks_as_lines_(marks_as_lines) {}

View::Chat& View::chat(const std::string& address) {
  if (!chats_.contains(address) && chats_.size() >= kChats) {
    auto least = chats_.end();
    for (auto at = chats_.begin(); at != chats_.end(); ++at) {
      if (at->first != open_ && (least == chats_.end() || at->second.used < least->second.used)) least = at;
    }
    chats_.erase(least);
  }
  Chat& chat = chats_[address];
  chat.used = ++uses_;
  return chat;
}

// ---- chats ----------------------------------------------------------------------------------------------------------

Lines View::open(const std::string& address) {
  Chat& opened = chat(address);
  open_ = address;
  opened.unread = 0;
  opened.awaits_history = true;
  const std::string name = name_of(address);
  return note("chat with " + name + (name == address ? "" : " <" + shown(address) + ">"));
}

Lines View::close() {
  if (open_.empty()) return trouble("no chat is open");
  chat(open_).awaits_history = false;
  const std::string name = name_of(std::exchange(open_, {}));
  return note("left the chat with " + name);
}

Lines View::said(Said said, Time now) {
  Chat& with = chat(said.peer);
  if (!said.mine) with.typing = false;
  const bool is_open = said.peer == open_;
  if (is_open && !with.awaits_history) return lines_of(said, now);

  Lines lines;
  if (!is_open && said.mine) {
    with.unread = 0;  // answered on another device
  } else if (!is_open) {
    ++with.unread;
    const std::string name = name_of(said.peer);
    lines = {{Style::theirs, name + " (" + std::to_string(with.unread) + " unread)", ": " + preview(said.text)}};
  }
  with.kept.push_back(std::move(said));
  if (with.kept.size() > kKeptMessages) with.kept.pop_front();
  return lines;
}

Lines View::history(const std::string& address, const std::vector<Said>& page, bool complete, bool older, Time now) {
  if (address != open_) return {};
  Chat& with = chat(address);
  Lines lines;
  if (older || !page.empty()) lines = note(older ? "before that:" : "from the archive:");
  if (page.empty() && older) lines = note("there is nothing before that");
  std::set<std::string> shown_ids;
  for (const Said& said : page) {
    lines = append(std::move(lines), lines_of(said, now));
    for (std::string& id : ids_of(said)) shown_ids.insert(std::move(id));
  }
  if (older) return append(std::move(lines), note("(end of the older page)"));
  if (!complete) lines = append(std::move(lines), note("(/more shows what was said before)"));
  return append(std::move(lines), kept_lines(with, shown_ids, now));
}

Lines View::no_history(const std::string& address, const sdk::Error& why, Time now) {
  if (address != open_) return {};
  Lines lines;
  // A server without archives is no news each time.
  if (why.code != sdk::Errc::unsupported) lines = trouble("the archive did not answer: " + words(why));
  return append(std::move(lines), kept_lines(chat(address), {}, now));
}

Lines View::kept_lines(Chat& with, const std::set<std::string>& shown_ids, Time now) {
  with.awaits_history = false;
  Lines lines;
  for (const Said& said : std::exchange(with.kept, {})) {
    const auto ids = ids_of(said);
    const bool is_shown = std::any_of(ids.begin(), ids.end(), [&](auto& id) { return shown_ids.contains(id); });
    if (!is_shown) lines = append(std::move(lines), lines_of(said, now));
  }
  return lines;
}

Lines View::lines_of(const Said& said, Time now) const {
  std::string_view text = said.text;
  const bool acts = text.starts_with("/me ");
  if (acts) text.remove_prefix(4);
  const bool cut = text.size() > kMessageBytes;
  auto parts = shown_lines(text.substr(0, kMessageBytes));
  const bool long_one = cut || parts.size() > kMessageLines;
  if (parts.size() > kMessageLines) parts.resize(kMessageLines);

  const Style style = said.mine ? Style::mine : Style::theirs;
  const std::string name = said.mine ? std::string{shown(sdk::local_of(account_))} : name_of(said.peer);
  const std::string head = clock(said.when, now) + (acts ? " * " : " ") + name;
  Lines lines{{style, head, (acts ? " " : ": ") + parts.front()}};
  for (std::size_t i = 1; i < parts.size(); ++i) lines.push_back({Style::plain, "", "      " + parts[i]});
  if (long_one) lines.push_back({Style::note, "      … (it goes on)"});
  return lines;
}

void View::typing(const std::string& address, bool is_typing) { chat(address).typing = is_typing; }

// ---- what became of messages ----------------------------------------------------------------------------------------

void View::sending(const std::string& address, const std::string& id, std::string_view text) {
  Chat& with = chat(address);
  with.mark = Mark::sending;
  with.last_sent = id;
  tracked_.push_back({id, address, preview(text)});
  if (tracked_.size() > kTracked) tracked_.pop_front();
}

Lines View::delivery(const sdk::Delivery& delivery) {
  const auto about =
      std::find_if(tracked_.begin(), tracked_.end(), [&](const Tracked& t) { return t.id == delivery.id; });
  const Tracked message = about == tracked_.end() ? Tracked{delivery.id, "", ""} : *about;
  const bool ends = delivery.outcome != Outcome::stored;
  if (ends && about != tracked_.end()) tracked_.erase(about);

  const bool well = delivery.outcome == Outcome::stored || delivery.outcome == Outcome::delivered;
  if (const auto at = chats_.find(message.address); at != chats_.end() && at->second.last_sent == delivery.id) {
    at->second.mark = delivery.outcome == Outcome::stored      ? Mark::stored
                      : delivery.outcome == Outcome::delivered ? Mark::delivered
                                                               : Mark::failed;
  }
  if (well) {
    if (!marks_as_lines_) return {};
    return note((ends ? "delivered: " : "stored: ") + message.words);
  }
  const std::string to = message.address.empty() ? "" : " to " + name_of(message.address);
  const char* what = delivery.outcome == Outcome::failed ? "not delivered" : "not confirmed by the server";
  return trouble(what + to + ": \"" + message.words + "\": " + words(delivery.error));
}

// ---- the connection -------------------------------------------------------------------------------------------------

Lines View::online(bool resumed) {
  const bool again = std::exchange(online_, true);
  if (resumed) return note("the connection is back");
  return again ? Lines{} : note("logged in as " + account_);
}

Lines View::offline(const sdk::Error& why) {
  online_ = false;
  for (auto& [address, chat] : chats_) chat.typing = false;
  return trouble("the connection is lost: " + words(why));
}

Lines View::reconnecting_in(std::chrono::milliseconds wait) {
  return note("trying again in " + std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) + " s");
}

Lines View::asked(const std::string& user) {
  return {{Style::theirs, shown(user), " asks to see when you are there: /accept or /reject"}};
}

Lines View::note(std::string_view text) { return {{Style::note, "-- " + shown(text)}}; }
Lines View::trouble(std::string_view text) { return {{Style::trouble, "!! " + shown(text)}}; }

std::string View::prompt() const {
  std::string prompt;
  if (!online_) prompt += "[offline] ";
  std::size_t unread = 0;
  for (const auto& [address, chat] : chats_) unread += chat.unread;
  if (unread > 0) prompt += "(" + std::to_string(unread) + ") ";
  const auto at = chats_.find(open_);
  if (open_.empty() || at == chats_.end()) return prompt + "> ";
  prompt += fitted(name_of(open_), kNameColumns);
  if (at->second.typing) prompt += " is typing…";
  switch (at->second.mark) {
    case Mark::none:
      break;
    case Mark::sending:
      prompt += " ·";
      break;
    case Mark::stored:
      prompt += " ✓";
      break;
    case Mark::delivered:
      prompt += " ✓✓";
      break;
    case Mark::failed:
      prompt += " ✗";
      break;
  }
  return prompt + "> ";
}

}  // namespace anser::programs
