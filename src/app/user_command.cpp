#include "app/user_command.h"

#include <istream>
#include <ostream>

#include "app/control_protocol.h"
#include "app/logging.h"
#include "core/password.h"
#include "core/text.h"

namespace anser::app {
namespace {

using core::Jid;
using std::string_view;

constexpr std::size_t kMaxLine = 8'192;            // of standard input
constexpr std::size_t kMaxBatchBytes = 128 << 10;  // of names and passwords sent at once; escaped they fit a request

// Errc::closed at the end of the input.
Result<std::string> read_line(std::istream& in) {
  std::string line;
  for (int c = in.get(); c != '\n'; c = in.get()) {
    if (c == std::istream::traits_type::eof()) {
      if (line.empty()) return fail(Errc::closed, "the input is at its end");
      break;
    }
    if (line.size() == kMaxLine) {
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      return fail(Errc::bad_request, "the line is longer than {} bytes", kMaxLine);
    }
    line += static_cast<char>(c);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<void> check_password(string_view password) {
  if (password.empty()) return fail(Errc::not_acceptable, "the password is empty");
  if (password.size() > core::kMaxPassword) {
    return fail(Errc::not_acceptable, "the password is longer than {} bytes", core::kMaxPassword);
  }
  if (!core::is_utf8(password)) return fail(Errc::not_acceptable, "the password is not UTF-8");
  return {};
}

Result<std::string> get_password(Console& console, const Jid& jid, bool from_stdin) {
  if (from_stdin) {
    auto password = read_line(console.in);
    if (!password) return fail(Errc::bad_request, "no password on standard input: {}", password.error().message);
    return password;
  }
  auto password = console.ask(fmt::format("Password for {}: ", jid));
  if (!password) return password;
  const auto again = console.ask("The same again: ");
  if (!again) return again;
  if (*again != *password) return fail(Errc::bad_request, "the two passwords differ; nothing was changed");
  return password;
}

void show_plainly(std::ostream& out, const AccountInfo& account) {
  const auto line = [&out](string_view label, string_view value) {
    if (!value.empty()) out << fmt::format("  {:<18}{}\n", label, one_line(value));
  };
  out << account.jid.full() << '\n';
  line("created", time_text(account.created));
  line("name", account.name);
  line("email", account.email);
  if (account.disabled) line("disabled", "yes");
  line("contacts", std::to_string(account.roster_items));
  line("offline messages", std::to_string(account.offline_messages));
  if (account.sessions.empty()) line("online", "no");
  for (const OnlineSession& session : account.sessions) {
    line("online", fmt::format("{} from {}", session.resource, session.address));
  }
}

}  // namespace

Result<Jid> account_address(string_view name, const domain::Hosts& hosts) {
  auto jid = name.find('@') == string_view::npos ? Jid::make(name, hosts.all().front().name) : Jid::parse(name);
  if (!jid || !jid->has_local() || jid->has_resource()) {
    return fail(Errc::jid_malformed, "\"{}\" cannot be the name of an account", one_line(name));
  }
  if (auto real = hosts.canonical(*jid)) return std::move(*real);
  std::string ours;
  for (const domain::Host& host : hosts.all()) ours += (ours.empty() ? "" : ", ") + host.name;
  return fail(Errc::not_found, "{} is not a host of this server ({})", jid->domain(), ours);
}

Result<NewAccount> parse_batch_line(string_view line, const domain::Hosts& hosts) {
  constexpr string_view kBlank = " \t";
  const auto start = line.find_first_not_of(kBlank);
  if (start == string_view::npos) return fail(Errc::bad_request, "the line is empty");
  line.remove_prefix(start);
  const auto end = std::min(line.find_first_of(kBlank), line.size());
  auto jid = account_address(line.substr(0, end), hosts);
  if (!jid) return pass(jid);

  line.remove_prefix(end);
  const auto password = line.find_first_not_of(kBlank);
  if (password == string_view::npos) return fail(Errc::bad_request, "{} has no password", *jid);
  line.remove_prefix(password);
  if (const auto good = check_password(line); !good) return pass(good);
  return NewAccount{std::move(*jid), std::string{line}};
}

Result<void> UserCommand::add(string_view name, bool from_stdin) {
  const auto jid = account_address(name, hosts_);
  if (!jid) return pass(jid);
  const auto password = get_password(console_, *jid, from_stdin);
  if (!password) return pass(password);
  if (auto good = check_password(*password); !good) return good;
  if (auto added = admin_.add(*jid, *password); !added) return added;
  console_.out << "added " << jid->full() << '\n';
  return {};
}

Result<void> UserCommand::set_password(string_view name, bool from_stdin) {
  const auto jid = account_address(name, hosts_);
  if (!jid) return pass(jid);
  const auto password = get_password(console_, *jid, from_stdin);
  if (!password) return pass(password);
  if (auto good = check_password(*password); !good) return good;
  if (auto changed = admin_.set_password(*jid, *password); !changed) return changed;
  console_.out << "changed the password of " << jid->full() << '\n';
  return {};
}

struct UserCommand::Batch {
  std::vector<NewAccount> accounts;
  std::vector<std::size_t> lines;  // where each of them stands
  std::size_t bytes = 0;
  std::size_t added = 0, failed = 0;
};

void UserCommand::add_chunk(Batch& batch) {
  if (batch.accounts.empty()) return;
  const auto outcomes = admin_.add_many(batch.accounts);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i]) {
      ++batch.added;
      continue;
    }
    ++batch.failed;
    console_.err << fmt::format("line {}: {}: {}\n", batch.lines[i], batch.accounts[i].jid,
                                outcomes[i].error().message);
  }
  batch.accounts.clear();
  batch.lines.clear();
  batch.bytes = 0;
}

Result<void> UserCommand::add_batch() {
  Batch batch;
  for (std::size_t number = 1;; ++number) {
    const auto line = read_line(console_.in);
    if (!line && line.error().code == Errc::closed) break;
    if (line && line->find_first_not_of(" \t") == std::string::npos) continue;
    auto account = line ? parse_batch_line(*line, hosts_) : Result<NewAccount>{pass(line)};
    if (!account) {
      ++batch.failed;
      console_.err << fmt::format("line {}: {}\n", number, account.error().message);
      continue;
    }
    batch.bytes += account->jid.full().size() + account->password.size();
    batch.accounts.push_back(std::move(*account));
    batch.lines.push_back(number);
    if (batch.accounts.size() == kMaxAddMany || batch.bytes >= kMaxBatchBytes) add_chunk(batch);
  }
  add_chunk(batch);

  console_.out << fmt::format("added {} {}\n", batch.added, batch.added == 1 ? "account" : "accounts");
  if (batch.failed == 0) return {};
  return fail(Errc::bad_request, "{} of {} lines failed", batch.failed, batch.added + batch.failed);
}

Result<void> UserCommand::remove(string_view name) {
  const auto jid = account_address(name, hosts_);
  if (!jid) return pass(jid);
  if (auto removed = admin_.remove(*jid); !removed) return removed;
  console_.out << "deleted " << jid->full() << '\n';
  return {};
}

Result<void> UserCommand::list(string_view host, bool json) {
  std::vector<std::string> hosts;
  if (host.empty()) {
    for (const domain::Host& ours : hosts_.all()) hosts.push_back(ours.name);
  } else {
    const auto prepared = core::prepare_domain(host);
    const std::string* real = prepared ? hosts_.resolve(*prepared) : nullptr;
    if (!real) return fail(Errc::not_found, "{} is not a host of this server", one_line(host));
    hosts.push_back(*real);
  }

  std::size_t count = 0;
  for (const std::string& name : hosts) {
    std::string after;
    for (;;) {
      const auto page = admin_.list(name, after, kMaxListPage);
      if (!page) return pass(page);
      if (page->empty()) break;
      for (const AccountInfo& account : *page) {
        if (json) console_.out << (count == 0 ? "[\n" : ",\n") << account_json(account, /*with_sessions=*/false);
        if (!json) console_.out << account.jid.full() << (account.disabled ? " (disabled)" : "") << '\n';
        ++count;
      }
      after = page->back().jid.full();
    }
  }
  if (json) console_.out << (count == 0 ? "[]\n" : "\n]\n");
  return {};
}

Result<void> UserCommand::show(string_view name, bool json) {
  const auto jid = account_address(name, hosts_);
  if (!jid) return pass(jid);
  const auto account = admin_.show(*jid);
  if (!account) return pass(account);
  if (json) {
    console_.out << account_json(*account, /*with_sessions=*/true) << '\n';
  } else {
    show_plainly(console_.out, *account);
  }
  return {};
}

}  // namespace anser::app
