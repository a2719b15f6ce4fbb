#include "xmpp/archive_form.h"

#include <algorithm>
#include <charconv>

#include "xmpp/dates.h"

namespace anser::xmpp {
namespace {

using domain::ArchiveQuery;

constexpr std::string_view kValidateNs = "http://jabber.org/protocol/xdata-validate";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Stamps are shown in milliseconds, so a message belongs to the whole of the one that it shows: who asks from or up to
// a stamp that he was given gets that message too.
Time up_to_millisecond(Time time) { return std::chrono::ceil<std::chrono::milliseconds>(time); }
Time behind_millisecond(Time time) {
  return std::chrono::floor<std::chrono::milliseconds>(time) + std::chrono::milliseconds{1};
}

class Request {
 public:
  Request(const core::Jid& owner, const domain::ArchiveIds& ids, const domain::Hosts& hosts)
      : owner_(owner), ids_(ids), hosts_(hosts) {
    request_.query.owner = owner;
    request_.query.limit = kArchivePage;
  }

  Result<ArchiveRequest> read(const xml::Element& query);

 private:
  Result<void> read_form(const xml::Element& form);
  Result<void> read_field(std::string_view name, const std::vector<std::string>& values);
  Result<void> read_ids(const std::vector<std::string>& values);
  Result<void> read_page(const xml::Element& page);
  Result<std::uint64_t> named(std::string_view id);

  const core::Jid& owner_;
  const domain::ArchiveIds& ids_;
  const domain::Hosts& hosts_;
  ArchiveRequest request_;
};

Result<ArchiveRequest> Request::read(const xml::Element& query) {
  if (query.has_attr("node")) return fail(Errc::unsupported, "an account's archive has no nodes");
  if (query.attr("queryid").size() > kLongestQueryId)
    return fail(Errc::policy_violation, "a queryid may have {} bytes", kLongestQueryId);
  const xml::Element *form = nullptr, *page = nullptr;
  for (const auto& child : query.children()) {
    const bool is_form = child.is({kFormNs, "x"}), is_page = child.is({kPagesNs, "set"});
    if ((is_form && std::exchange(form, &child)) || (is_page && std::exchange(page, &child)))
      return fail(Errc::bad_request, "a query has one form and one page at most");
    if (child.is({kArchiveNs, "flip-page"})) request_.flipped = true;
  }
  if (form) {
    if (auto done = read_form(*form); !done) return pass(done);
  }
  if (page) {
    if (auto done = read_page(*page); !done) return pass(done);
  }
  return std::move(request_);
}

Result<void> Request::read_form(const xml::Element& form) {
  if (form.attr("type") != "submit") return fail(Errc::bad_request, "the form is not one that was filled in");
  std::vector<std::string_view> seen;
  bool typed = false;
  for (const auto& field : form.children()) {
    if (!field.is({kFormNs, "field"})) continue;
    const auto name = field.attr("var");
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return fail(Errc::bad_request, "a field stands twice in the form");
    seen.push_back(name);
    std::vector<std::string> values;
    for (const auto& child : field.children()) {
      if (child.is({kFormNs, "value"})) values.push_back(child.text());
    }
    if (name == "FORM_TYPE") {
      typed = values.size() == 1 && values.front() == kArchiveNs;
    } else if (auto done = read_field(name, values); !done) {
      return done;
    }
  }
  if (!typed) return fail(Errc::bad_request, "the form's FORM_TYPE has to be {}", kArchiveNs);
  return {};
}

Result<void> Request::read_field(std::string_view name, const std::vector<std::string>& values) {
  ArchiveQuery& query = request_.query;
  if (name == "ids") return read_ids(values);
  const bool known = name == "with" || name == "start" || name == "end" || name == "before-id" || name == "after-id";
  if (!known) return fail(Errc::unsupported, "the archive knows no such field");
  if (values.size() != 1) return fail(Errc::bad_request, "{} has exactly one value", name);
  const std::string& value = values.front();
  if (name == "with") {
    auto with = core::Jid::parse(value);
    if (!with) return fail(Errc::bad_request, "with: {}", with.error().message);
    auto real = hosts_.canonical(*with);
    query.with = real ? std::move(*real) : std::move(*with);
  } else if (name == "start" || name == "end") {
    const auto time = parse_xmpp_date(trimmed(value));
    if (!time) return fail(Errc::bad_request, "{}: {}", name, time.error().message);
    if (name == "start")
      query.since = up_to_millisecond(*time);
    else
      query.until = behind_millisecond(*time);
  } else {
    const auto sequence = named(value);
    if (!sequence) return pass(sequence);
    if (name == "before-id")
      query.before = *sequence;
    else
      query.after = *sequence;
  }
  return {};
}

Result<void> Request::read_ids(const std::vector<std::string>& values) {
  if (values.empty()) return fail(Errc::bad_request, "ids has at least one value");
  if (values.size() > kMostNamed) return fail(Errc::policy_violation, "no more than {} ids at a time", kMostNamed);
  for (const auto& value : values) {
    const auto sequence = named(value);
    if (!sequence) return pass(sequence);
  }
  request_.query.only_named = true;
  return {};
}

Result<std::uint64_t> Request::named(std::string_view id) {
  const auto sequence = ids_.open(owner_.bare(), id);
  if (!sequence) return fail(Errc::not_found, "the archive holds no such message");
  request_.query.named.push_back(*sequence);
  return *sequence;
}

Result<void> Request::read_page(const xml::Element& page) {
  ArchiveQuery& query = request_.query;
  for (const auto& child : page.children()) {
    if (child.ns() != kPagesNs) continue;
    const std::string text = child.text();
    const std::string_view value = trimmed(text);
    if (child.local() == "max") {
      std::uint64_t most = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), most);
      const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
      if (!digits) return fail(Errc::bad_request, "max is a number");
      query.limit = error == std::errc{} ? std::min<std::uint64_t>(most, kLargestPage) : kLargestPage;
    } else if (child.local() == "index") {
      return fail(Errc::unsupported, "pages are found by id, not by number");
    } else if (child.local() == "before") {
      query.backwards = true;
      if (value.empty()) continue;  // the last page
      const auto sequence = named(value);
      if (!sequence) return pass(sequence);
      query.before = std::min(query.before, *sequence);
    } else if (child.local() == "after" && !value.empty()) {  // empty: from the beginning
      const auto sequence = named(value);
      if (!sequence) return pass(sequence);
      query.after = std::max(query.after, *sequence);
    }
  }
  return {};
}

xml::Element field(std::string_view name, std::string_view type) {
  return xml::Element{std::string{kFormNs}, "field"}.attr("var", name).attr("type", type);
}

}  // namespace

Result<ArchiveRequest> read_archive_request(const xml::Element& query, const core::Jid& owner,
                                            const domain::ArchiveIds& ids, const domain::Hosts& hosts) {
  return Request{owner, ids, hosts}.read(query);
}

xml::Element archive_form() {
  xml::Element form{std::string{kFormNs}, "x"};
  form.attr("type", "form");
  form.child(field("FORM_TYPE", "hidden").child("value", kArchiveNs));
  form.child(field("with", "jid-single"));
  for (const std::string_view name : {"start", "end", "before-id", "after-id"}) form.child(field(name, "text-single"));
  // Any id may be given, not one of a list (XEP-0122 §3.2.2).
  xml::Element open{std::string{kValidateNs}, "validate"};
  open.attr("datatype", "xs:string").child("open");
  form.child(field("ids", "list-multi").child(std::move(open)));
  return form;
}

}  // namespace anser::xmpp
