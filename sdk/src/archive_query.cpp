#include "sdk/src/archive_query.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "anser/address.h"
#include "sdk/src/dates.h"
#include "sdk/src/fail.h"
#include "sdk/src/forwarded.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kFormNs = "jabber:x:data";
constexpr std::string_view kPagesNs = "http://jabber.org/protocol/rsm";

void add_field(Element& form, std::string_view name, std::string_view value) {
  Element field{"field", kFormNs};
  field.set_attribute("var", name);
  if (name == "FORM_TYPE") field.set_attribute("type", "hidden");
  field.add_child("value", value);
  form.add_child(std::move(field));
}

Element form_of(const ArchiveQuery& query, const std::string& with) {
  Element form{"x", kFormNs};
  form.set_attribute("type", "submit");
  add_field(form, "FORM_TYPE", kArchiveNs);
  if (!with.empty()) add_field(form, "with", with);
  if (query.start) add_field(form, "start", format_date(*query.start));
  if (query.end) add_field(form, "end", format_date(*query.end));
  return form;
}

Element pages_of(const ArchiveQuery& query) {
  Element set{"set", kPagesNs};
  set.add_child("max", std::to_string(std::min(query.page_size, ArchivePageReader::kMessages)));
  if (!query.after.empty()) set.add_child("after", query.after);
  if (query.last_page || !query.before.empty()) set.add_child("before", query.before);
  return set;
}

bool is_true(std::string_view text) { return text == "true" || text == "1"; }

}  // namespace

Result<Element> write_query(const ArchiveQuery& query, std::string_view queryid) {
  const int ways = (query.after.empty() ? 0 : 1) + (query.before.empty() ? 0 : 1) + (query.last_page ? 1 : 0);
  if (ways > 1) return fail(Errc::invalid_argument, "a page is after an id, before one, or the last: one of the three");
  std::string with;
  if (!query.with.empty()) {
    auto prepared = prepare_address(query.with);
    if (!prepared) return pass(prepared);
    with = std::move(*prepared);
  }
  Element element{"query", kArchiveNs};
  element.set_attribute("queryid", queryid);
  if (!with.empty() || query.start || query.end) element.add_child(form_of(query, with));
  element.add_child(pages_of(query));
  return element;
}

ArchivePageReader::ArchivePageReader(std::string archive, std::size_t page_size)
    : archive_(std::move(archive)), limit_(std::min(page_size, kMessages)) {}

Result<void> ArchivePageReader::add(const Stanza::Extension& result, const Element& parsed) {
  if (page_.messages.size() >= limit_) return fail(Errc::protocol, "more than the {} asked for", limit_);
  if (bytes_ + result.xml.size() > kBytes) return fail(Errc::protocol, "more than {} bytes in a page", kBytes);
  auto forwarded = read_forwarded(parsed);
  if (!forwarded) return pass(forwarded);
  if (!forwarded->message) return {};  // taken out of the archive; its place is kept (§3.2)
  bytes_ += result.xml.size();
  const auto stamp = forwarded->stamp ? forwarded->stamp : forwarded->message->delay();
  page_.messages.push_back({std::string{parsed.attribute("id")},
                            stamp.value_or(std::chrono::system_clock::time_point{}), std::move(*forwarded->message)});
  return {};
}

Result<ArchivePage> ArchivePageReader::finish(const std::optional<Element>& fin) && {
  if (!fin || !fin->is("fin", kArchiveNs)) return fail(Errc::protocol, "the archive's answer has no end");
  page_.complete = is_true(fin->attribute("complete"));
  const Element set = fin->child("set", kPagesNs);
  page_.first = set.child_text("first");
  page_.last = set.child_text("last");
  const std::string text = set.child_text("count");
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (!text.empty() && error == std::errc{} && end == text.data() + text.size()) page_.count = count;
  return std::move(page_);
}

}  // namespace anser::sdk
