#include "fleet.h"

#include <algorithm>
#include <utility>

namespace anser::load {
namespace {

constexpr std::size_t kLoginsAtOnce = 32;

}  // namespace

Fleet::Fleet(Loop& loop, const ServerPlan& server, AccountPlan accounts, Dialogue::Goal goal)
    : loop_(loop), server_(server), accounts_(std::move(accounts)), goal_(goal) {}

std::string Fleet::name_of(std::size_t i) const { return fmt::format("{}{}", accounts_.prefix, accounts_.first + i); }

std::string Fleet::address_of(std::size_t i) const {
  return fmt::format("{}@{}{}", name_of(i), server_.domain, accounts_.to_sessions ? "/load" : "");
}

void Fleet::start_some(std::size_t count) {
  while (clients_.size() < count && clients_.size() - ready_ < kLoginsAtOnce && !broken_) {
    const std::size_t i = clients_.size();
    Identity identity{.name = name_of(i),
                      .password = accounts_.password,
                      .resource = "load",
                      .peer = name_of(i ^ 1),
                      .greeting = accounts_.greeting};
    clients_.push_back(std::make_unique<Client>(loop_, server_, *this, i, std::move(identity), goal_));
    clients_.back()->start();
  }
}

Result<void> Fleet::open(std::size_t count, Tick deadline) {
  clients_.reserve(count);
  return run_until(deadline, "logins", [&] {
    start_some(count);
    return ready_ >= count;
  });
}

Result<void> Fleet::run_until(Tick deadline, std::string_view waiting_for, const std::function<bool()>& done) {
  const bool in_time = loop_.run_until(deadline, [&] { return broken_ || done(); });
  if (broken_) return tl::make_unexpected(*broken_);
  if (!in_time) {
    return fail(Errc::timeout, "time ran out while waiting for {} ({} of {} clients are ready)", waiting_for, ready_,
                clients_.size());
  }
  return {};
}

Result<void> Fleet::run_for(std::chrono::milliseconds time) {
  loop_.run_until(now() + time, [&] { return broken_.has_value(); });
  if (broken_) return tl::make_unexpected(*broken_);
  return {};
}

Result<void> Fleet::acknowledge_all(Tick deadline) {
  for (auto& client : clients_) {
    client->acknowledge();
    client->ask_for_ack();
  }
  return run_until(deadline, "acknowledgements", [this] { return all_acknowledged(); });
}

bool Fleet::all_acknowledged() const {
  return std::ranges::all_of(clients_, [](const auto& client) { return client->acks().unacknowledged() == 0; });
}

std::uint64_t Fleet::acknowledged() const {
  std::uint64_t count = 0;
  for (const auto& client : clients_) count += client->acks().acknowledged();
  return count;
}

void Fleet::close_all() {
  for (auto& client : clients_) client->close();
  clients_.clear();
  ready_ = 0;
}

void Fleet::give_up(Error error) {
  if (!broken_) broken_ = std::move(error);
}

void Fleet::on_ready(Client& client) {
  ++ready_;
  if (goal_ == Dialogue::Goal::account) client.finish();
}

void Fleet::on_stanza(Client& client, std::string_view stanza) {
  if (on_stanza_) on_stanza_(client, stanza);
}

void Fleet::on_closed(Client& client, const Error& reason) {
  const bool said_goodbye = client.is_ready() && reason.message.empty();
  if (!said_goodbye) give_up(reason);
}

}  // namespace anser::load
