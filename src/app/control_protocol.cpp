#include "app/control_protocol.h"

#include <fmt/chrono.h>

#include <boost/json.hpp>
#include <initializer_list>
#include <optional>

namespace anser::app {
namespace {

namespace json = boost::json;
using core::Jid;
using std::string_view;

json::string_view to_boost(string_view text) { return {text.data(), text.size()}; }

// ---- reading --------------------------------------------------------------------------------------------------------

Result<json::object> parse_object(string_view line) {
  json::parse_options options;
  options.max_depth = 8;
  json::error_code error;
  json::value value = json::parse(to_boost(line), error, {}, options);
  if (error || !value.is_object()) return fail(Errc::bad_request, "this is not a JSON object");
  return std::move(value.as_object());
}

Result<std::string> text_of(const json::object& object, string_view name) {
  const json::value* value = object.if_contains(to_boost(name));
  if (!value || !value->is_string()) return fail(Errc::bad_request, "the text \"{}\" is missing", name);
  return std::string{value->get_string().data(), value->get_string().size()};
}

Result<std::uint64_t> number_of(const json::object& object, string_view name) {
  const json::value* value = object.if_contains(to_boost(name));
  json::error_code error;
  const auto number = value && value->is_number() ? value->to_number<std::uint64_t>(error) : std::uint64_t{0};
  if (!value || !value->is_number() || error) return fail(Errc::bad_request, "the number \"{}\" is missing", name);
  return number;
}

Result<const json::array*> array_of(const json::object& object, string_view name) {
  const json::value* value = object.if_contains(to_boost(name));
  if (!value || !value->is_array()) return fail(Errc::bad_request, "the list \"{}\" is missing", name);
  return &value->get_array();
}

Result<Jid> account_of(const json::object& object) {
  const auto text = text_of(object, "jid");
  if (!text) return pass(text);
  auto jid = Jid::parse(*text);
  if (!jid) return jid;
  if (!jid->has_local() || jid->has_resource()) {
    return fail(Errc::bad_request, "{} is not the address of an account", *jid);
  }
  return jid;
}

Result<NewAccount> new_account_of(const json::object& object) {
  auto jid = account_of(object);
  if (!jid) return pass(jid);
  auto password = text_of(object, "password");
  if (!password) return pass(password);
  return NewAccount{std::move(*jid), std::move(*password)};
}

std::optional<Errc> code_named(string_view name) {
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
    if (name == name_of(static_cast<Errc>(code))) return static_cast<Errc>(code);
  }
  return std::nullopt;
}

Result<AccountInfo> read_account(const json::value& value) {
  if (!value.is_object()) return fail(Errc::bad_request, "an account is missing");
  const json::object& object = value.get_object();
  AccountInfo account;
  auto jid = account_of(object);
  if (!jid) return pass(jid);
  account.jid = std::move(*jid);
  for (const auto& [name, member] : {std::pair{"name", &account.name}, std::pair{"email", &account.email}}) {
    auto text = text_of(object, name);
    if (!text) return pass(text);
    *member = std::move(*text);
  }
  for (const auto& [name, member] :
       {std::pair{"roster_items", &account.roster_items}, std::pair{"offline_messages", &account.offline_messages}}) {
    const auto number = number_of(object, name);
    if (!number) return pass(number);
    *member = *number;
  }
  const auto created = number_of(object, "created");
  if (!created) return pass(created);
  account.created = Time{Duration{static_cast<std::int64_t>(*created)}};
  const json::value* disabled = object.if_contains("disabled");
  account.disabled = disabled && disabled->is_bool() && disabled->get_bool();

  const auto sessions = array_of(object, "sessions");
  if (!sessions) return pass(sessions);
  for (const json::value& item : **sessions) {
    if (!item.is_object()) return fail(Errc::bad_request, "a session is missing");
    auto resource = text_of(item.get_object(), "resource");
    auto address = text_of(item.get_object(), "address");
    if (!resource || !address) return fail(Errc::bad_request, "a session is missing");
    account.sessions.push_back({std::move(*resource), std::move(*address)});
  }
  return account;
}

// ---- writing --------------------------------------------------------------------------------------------------------

json::object write_account(const AccountInfo& account) {
  json::array sessions;
  for (const OnlineSession& session : account.sessions) {
    sessions.push_back(json::object{{"resource", session.resource}, {"address", session.address}});
  }
  return {{"jid", account.jid.full()},
          {"created", account.created.time_since_epoch().count()},
          {"name", account.name},
          {"email", account.email},
          {"disabled", account.disabled},
          {"roster_items", account.roster_items},
          {"offline_messages", account.offline_messages},
          {"sessions", std::move(sessions)}};
}

json::array write_accounts(const std::vector<AccountInfo>& accounts) {
  json::array list;
  for (const AccountInfo& account : accounts) list.push_back(write_account(account));
  return list;
}

json::object write_error(const Error& error) {
  return {{"error", json::object{{"code", name_of(error.code)}, {"message", error.message}}}};
}

json::object write_outcome(const Result<void>& outcome) {
  return outcome ? json::object{{"ok", nullptr}} : write_error(outcome.error());
}

json::array write_outcomes(const std::vector<Result<void>>& outcomes) {
  json::array list;
  for (const Result<void>& outcome : outcomes) list.push_back(write_outcome(outcome));
  return list;
}

// A json::value is made with parentheses here: braces would make a list with one element.
Result<json::value> nothing(const Result<void>& outcome) {
  if (!outcome) return pass(outcome);
  return json::value(nullptr);
}

// ---- the requests ---------------------------------------------------------------------------------------------------

Result<json::value> answer_add(AccountAdmin& admin, const json::object& request) {
  const auto account = new_account_of(request);
  if (!account) return pass(account);
  return nothing(admin.add(account->jid, account->password));
}

Result<json::value> answer_add_many(AccountAdmin& admin, const json::object& request) {
  const auto list = array_of(request, "accounts");
  if (!list) return pass(list);
  if ((*list)->size() > kMaxAddMany) return fail(Errc::bad_request, "more than {} accounts at once", kMaxAddMany);
  std::vector<NewAccount> accounts;
  for (const json::value& item : **list) {
    if (!item.is_object()) return fail(Errc::bad_request, "an account is missing");
    auto account = new_account_of(item.get_object());
    if (!account) return pass(account);
    accounts.push_back(std::move(*account));
  }
  return json::value(write_outcomes(admin.add_many(accounts)));
}

Result<json::value> answer_passwd(AccountAdmin& admin, const json::object& request) {
  const auto account = new_account_of(request);
  if (!account) return pass(account);
  return nothing(admin.set_password(account->jid, account->password));
}

Result<json::value> answer_remove(AccountAdmin& admin, const json::object& request) {
  const auto jid = account_of(request);
  if (!jid) return pass(jid);
  return nothing(admin.remove(*jid));
}

Result<json::value> answer_list(AccountAdmin& admin, const json::object& request) {
  const auto host = text_of(request, "host");
  const auto after = text_of(request, "after");
  const auto limit = number_of(request, "limit");
  if (!host) return pass(host);
  if (!after) return pass(after);
  if (!limit) return pass(limit);
  const auto accounts = admin.list(*host, *after, std::min<std::uint64_t>(*limit, kMaxListPage));
  if (!accounts) return pass(accounts);
  return json::value(write_accounts(*accounts));
}

Result<json::value> answer_show(AccountAdmin& admin, const json::object& request) {
  const auto jid = account_of(request);
  if (!jid) return pass(jid);
  const auto account = admin.show(*jid);
  if (!account) return pass(account);
  return json::value(write_account(*account));
}

constexpr std::pair<string_view, Result<json::value> (*)(AccountAdmin&, const json::object&)> kRequests[] = {
    {"add", &answer_add},       {"add_many", &answer_add_many}, {"passwd", &answer_passwd},
    {"remove", &answer_remove}, {"list", &answer_list},         {"show", &answer_show},
};

Result<json::value> answer(AccountAdmin& admin, string_view line) {
  const auto request = parse_object(line);
  if (!request) return pass(request);
  const auto what = text_of(*request, "do");
  if (!what) return pass(what);
  for (const auto& [name, function] : kRequests) {
    if (name == *what) return function(admin, *request);
  }
  return fail(Errc::bad_request, "there is no request \"{}\"", *what);
}

// The client's half of `answer`: what "ok" holds, or the server's error.
Result<json::value> read_response(const json::object& response) {
  if (const json::value* ok = response.if_contains("ok")) return *ok;
  const json::value* error = response.if_contains("error");
  if (error && error->is_object()) {
    const auto code = text_of(error->get_object(), "code");
    const auto message = text_of(error->get_object(), "message");
    if (code && message) return fail(code_named(*code).value_or(Errc::internal), "{}", *message);
  }
  return fail(Errc::internal, "the server's answer cannot be understood");
}

Result<json::value> ask(const RemoteAdmin::Exchange& exchange, const json::object& request) {
  const std::string line = json::serialize(request);
  if (line.size() > kMaxControlRequest) return fail(Errc::bad_request, "this is more than the server takes at once");
  const auto answer = exchange(line);
  if (!answer) return pass(answer);
  const auto response = parse_object(*answer);
  if (!response) return fail(Errc::internal, "the server's answer cannot be understood");
  return read_response(*response);
}

Result<void> ask_plainly(const RemoteAdmin::Exchange& exchange, const json::object& request) {
  const auto answer = ask(exchange, request);
  if (!answer) return pass(answer);
  return {};
}

}  // namespace

std::string answer_control(AccountAdmin& admin, string_view request) {
  auto result = answer(admin, request);
  if (!result) return refuse_control(result.error());
  return json::serialize(json::object{{"ok", std::move(*result)}});
}

std::string refuse_control(const Error& error) { return json::serialize(write_error(error)); }

Result<void> RemoteAdmin::add(const Jid& bare, const std::string& password) {
  return ask_plainly(exchange_, {{"do", "add"}, {"jid", bare.full()}, {"password", password}});
}

std::vector<Result<void>> RemoteAdmin::add_many(std::span<const NewAccount> accounts) {
  json::array list;
  for (const NewAccount& account : accounts) {
    list.push_back(json::object{{"jid", account.jid.full()}, {"password", account.password}});
  }
  const auto answer = ask(exchange_, {{"do", "add_many"}, {"accounts", std::move(list)}});
  const bool fits = answer && answer->is_array() && answer->get_array().size() == accounts.size();
  if (!fits) {
    const Result<void> failed =
        answer ? Result<void>{fail(Errc::internal, "the server's answer cannot be understood")} : pass(answer);
    return std::vector<Result<void>>(accounts.size(), failed);
  }
  std::vector<Result<void>> outcomes;
  for (const json::value& item : answer->get_array()) {
    const auto outcome = item.is_object() ? read_response(item.get_object())
                                          : fail(Errc::internal, "the server's answer cannot be understood");
    outcomes.push_back(outcome ? Result<void>{} : pass(outcome));
  }
  return outcomes;
}

Result<void> RemoteAdmin::set_password(const Jid& bare, const std::string& password) {
  return ask_plainly(exchange_, {{"do", "passwd"}, {"jid", bare.full()}, {"password", password}});
}

Result<void> RemoteAdmin::remove(const Jid& bare) {
  return ask_plainly(exchange_, {{"do", "remove"}, {"jid", bare.full()}});
}

Result<std::vector<AccountInfo>> RemoteAdmin::list(string_view host, string_view after, std::size_t limit) {
  const auto answer =
      ask(exchange_,
          {{"do", "list"}, {"host", to_boost(host)}, {"after", to_boost(after)}, {"limit", std::uint64_t{limit}}});
  if (!answer) return pass(answer);
  if (!answer->is_array()) return fail(Errc::internal, "the server's answer cannot be understood");
  std::vector<AccountInfo> accounts;
  for (const json::value& item : answer->get_array()) {
    auto account = read_account(item);
    if (!account) return pass(account);
    accounts.push_back(std::move(*account));
  }
  return accounts;
}

Result<AccountInfo> RemoteAdmin::show(const Jid& bare) {
  const auto answer = ask(exchange_, {{"do", "show"}, {"jid", bare.full()}});
  if (!answer) return pass(answer);
  return read_account(*answer);
}

std::string account_json(const AccountInfo& account, bool with_sessions) {
  json::object object = write_account(account);
  object["created"] = time_text(account.created);
  if (!with_sessions) {
    for (const char* name : {"roster_items", "offline_messages", "sessions"}) object.erase(name);
  }
  return json::serialize(object);
}

std::string time_text(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time_t{seconds}));
}

}  // namespace anser::app
