// Who is there: the part of the view that is about contacts.
#include <algorithm>
#include <charconv>
#include <cwctype>

#include "anser/address.h"
#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"
#include "sdk/programs/view.h"

namespace anser::programs {
namespace {

constexpr std::size_t kNameColumns = 24, kStatusColumns = 60;

std::wstring folded(std::string_view text) {
  std::wstring wide = widen(text);
  for (wchar_t& c : wide) c = static_cast<wchar_t>(std::towlower(static_cast<std::wint_t>(c)));
  return wide;
}

// What a contact is sorted, found and called by.
std::string_view called(const Contact& contact) { return contact.name.empty() ? contact.address : contact.name; }

bool before(const Contact& a, const Contact& b) {
  if (a.online != b.online) return a.online;
  const auto x = folded(called(a)), y = folded(called(b));
  return x != y ? x < y : a.address < b.address;
}

// "away: in the garden"
std::string presence_of(const Contact& contact) {
  if (!contact.online) return "offline";
  std::string words{contact.mode == sdk::Presence::Mode::available ? "online" : sdk::name_of(contact.mode)};
  if (contact.mode == sdk::Presence::Mode::xa) words = "away for long";
  if (contact.mode == sdk::Presence::Mode::dnd) words = "busy";
  if (contact.mode == sdk::Presence::Mode::chat) words = "wants to chat";
  if (!contact.status.empty()) words += ": " + fitted(shown(contact.status), kStatusColumns);
  return words;
}

}  // namespace

const Contact* View::contact(std::string_view address) const {
  for (const Contact& contact : contacts_) {
    if (contact.address == address) return &contact;
  }
  return nullptr;
}

std::string View::name_of(std::string_view address) const {
  const Contact* known = contact(address);
  return shown(known ? called(*known) : address);
}

Lines View::contacts(std::vector<Contact> contacts) {
  std::sort(contacts.begin(), contacts.end(), before);
  Lines lines;
  for (const Contact& now : contacts) {
    const Contact* then = announcing_ && online_ ? contact(now.address) : nullptr;
    if (!then || presence_of(*then) == presence_of(now)) continue;
    lines.push_back({Style::note, "-- " + shown(called(now)) + ": " + presence_of(now)});
  }
  contacts_ = std::move(contacts);
  return lines;
}

Lines View::roster(bool all) {
  std::vector<Contact> rows = contacts_;
  for (const auto& [address, chat] : chats_) {
    if (!contact(address)) rows.push_back({.address = address, .is_contact = false});
  }
  listing_.clear();
  if (rows.empty()) return note("you have no contacts; /add ADDRESS adds one");

  Lines lines;
  std::size_t hidden = 0;
  for (const Contact& row : rows) {
    const auto with = chats_.find(row.address);
    const std::size_t unread = with == chats_.end() ? 0 : with->second.unread;
    if (!all && !row.online && unread == 0) {
      ++hidden;
      continue;
    }
    listing_.push_back(row.address);
    const std::string number = std::to_string(listing_.size());
    std::string text =
        std::string(number.size() < 3 ? 3 - number.size() : 0, ' ') + number + (row.online ? " ● " : " ○ ");
    text += padded(shown(called(row)), kNameColumns) + " ";
    text += row.is_contact ? presence_of(row) : "not a contact";
    if (row.waits) text += " (has not answered yet)";
    if (unread > 0) text += " [" + std::to_string(unread) + " unread]";
    if (!row.name.empty()) text += " <" + shown(row.address) + ">";
    lines.push_back({row.online ? Style::theirs : Style::plain, text});
  }
  if (hidden > 0) {
    auto more = note(std::to_string(hidden) + " who are not there; /roster shows all");
    lines.push_back(more.front());
  }
  return lines;
}

sdk::Result<std::string> View::find(std::string_view who) const {
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(who.data(), who.data() + who.size(), number);
  if (problem == std::errc{} && end == who.data() + who.size()) {
    if (number >= 1 && number <= listing_.size()) return listing_[number - 1];
    return fail(sdk::Errc::invalid_argument, "there is no number " + std::string{who} + " in the last /roster");
  }
  const std::wstring wanted = folded(who);
  std::vector<const Contact*> begin_so;
  for (const Contact& contact : contacts_) {
    const std::wstring name = folded(contact.name);
    if (contact.address == who || (!name.empty() && name == wanted)) return contact.address;
    const bool begins = (!name.empty() && name.starts_with(wanted)) || contact.address.starts_with(who);
    if (begins) begin_so.push_back(&contact);
  }
  if (begin_so.size() == 1) return begin_so.front()->address;
  if (begin_so.size() > 1) {
    return fail(sdk::Errc::invalid_argument, "several contacts begin so: " + std::string{called(*begin_so[0])} + ", " +
                                                 std::string{called(*begin_so[1])});
  }
  const auto address = sdk::prepare_address(who);
  if (address && !sdk::local_of(*address).empty()) return std::string{sdk::bare_of(*address)};
  return fail(sdk::Errc::invalid_argument, "\"" + std::string{who} + "\" is neither a contact nor an address");
}

}  // namespace anser::programs
