#include "upload/preconditions.h"

#include "net/http_date.h"

namespace anser::upload {
namespace {

// A list of entity tags (RFC 9110 §8.8.3), or "*". Weak ones never match where a strong one is asked for.
bool names(std::string_view list, std::string_view tag, bool strong) {
  list = net::trimmed(list);
  if (list == "*") return true;
  while (!list.empty()) {
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;  // no list of tags: nothing in it can be meant
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == tag && !(weak && strong)) return true;
    list = net::trimmed(list.substr(end + 1));
    if (!list.empty() && list.front() != ',') return false;
    while (!list.empty() && (list.front() == ',' || list.front() == ' ' || list.front() == '\t')) list.remove_prefix(1);
  }
  return false;
}

Time whole_seconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

Verdict verdict_of(const net::HttpRequest& request, const Validators& validators, Time now) {
  const Time modified = whole_seconds(validators.modified);
  if (request.field("if-match")) {
    if (!names(request.list("if-match"), validators.tag, true)) return Verdict::failed;
  } else if (const auto field = request.field("if-unmodified-since")) {
    const auto since = net::parse_http_date(*field, now);
    if (since && modified > *since) return Verdict::failed;
  }
  if (request.field("if-none-match")) {
    return names(request.list("if-none-match"), validators.tag, false) ? Verdict::not_modified : Verdict::go_on;
  }
  if (const auto field = request.field("if-modified-since")) {
    const auto since = net::parse_http_date(*field, now);
    if (since && modified <= *since) return Verdict::not_modified;
  }
  return Verdict::go_on;
}

bool range_counts(const net::HttpRequest& request, const Validators& validators, Time now) {
  const auto field = request.field("if-range");
  if (!field) return true;
  const auto text = net::trimmed(*field);
  if (text.starts_with('"') || text.starts_with("W/")) return text == validators.tag;
  const auto since = net::parse_http_date(text, now);
  // A date is strong only if it cannot have been shared by two versions: files never change, so it is.
  return since && *since == whole_seconds(validators.modified);
}

}  // namespace anser::upload
