// anser-load login: what a login costs, from the connection to the bound session and the goodbye. And anser-load
// register, which makes accounts in band (XEP-0077), and anser-load derive, the price of one password derivation.
#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "core/password.h"
#include "meter.h"

namespace anser::load {
namespace {

// Keeps a number of connections at work, each a new one when the last has said goodbye.
class Visitors final : public ClientEvents {
 public:
  // Who comes next; nobody when all have been, or all are here.
  using Next = std::function<std::optional<Identity>()>;
  using Gone = std::function<void(const Identity&)>;

  Visitors(Loop& loop, const ServerPlan& server, Dialogue::Goal goal, std::size_t at_once, Next next, Gone gone = {})
      : loop_(loop), server_(server), goal_(goal), next_(std::move(next)), left_(std::move(gone)), slots_(at_once) {}

  Result<void> run_until(Tick deadline) {
    loop_.run_until(deadline, [&] { return broken_ || !refill(); });
    if (broken_) return tl::make_unexpected(*broken_);
    return {};
  }

  std::size_t gone() const { return gone_; }

  void on_ready(Client& client) override { client.finish(); }
  void on_stanza(Client&, std::string_view) override {}
  void on_closed(Client& client, const Error& reason) override {
    if (client.is_ready() && reason.message.empty()) {
      ++gone_;
      if (left_) left_(client.identity());
    } else if (!broken_) {
      broken_ = reason;
    }
  }

 private:
  // Between two batches, so nobody refers to the clients that it frees. False when nobody is left.
  bool refill() {
    bool anybody = false;
    for (auto& slot : slots_) {
      if (!slot || !slot->is_open()) {
        slot.reset();
        auto identity = next_();
        if (!identity) continue;
        slot = std::make_unique<Client>(loop_, server_, *this, started_++, std::move(*identity), goal_);
        slot->start();
      }
      anybody = true;
    }
    return anybody;
  }

  Loop& loop_;
  const ServerPlan& server_;
  Dialogue::Goal goal_;
  Next next_;
  Gone left_;
  std::vector<std::unique_ptr<Client>> slots_;
  std::size_t started_ = 0;
  std::size_t gone_ = 0;
  std::optional<Error> broken_;
};

}  // namespace

Result<void> run_login(const RunPlan& run, const LoginPlan& plan) {
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  std::size_t nth = 0;
  std::vector<std::string> tokens(plan.accounts);  // where logins are made with them; each account is one client
  std::vector<bool> here(plan.accounts);  // a client that logs in twice at once gets two tokens, of which one opens
  const auto next = [&]() -> std::optional<Identity> {
    if (std::find(here.begin(), here.end(), false) == here.end()) return std::nullopt;
    while (here[nth % plan.accounts]) ++nth;
    const std::size_t i = nth++, account = i % plan.accounts;
    here[account] = true;
    return Identity{.name = fmt::format("{}{}", run.accounts.prefix, run.accounts.first + account),
                    .password = run.accounts.password,
                    .resource = fmt::format("r{}", i),
                    .peer = {},
                    .agent = fmt::format("00000000-0000-4000-8000-{:012x}", account),
                    .token = tokens[account],
                    .greeting = {}};
  };
  const auto gone = [&](const Identity& who) {
    std::size_t account = 0;
    std::from_chars(who.agent.data() + 24, who.agent.data() + who.agent.size(), account, 16);
    tokens[account] = who.token;
    here[account] = false;
  };
  Visitors visitors(loop, run.server, Dialogue::Goal::session, plan.at_once, next, gone);
  if (auto warm = visitors.run_until(now() + std::chrono::milliseconds(plan.warm_up_ms)); !warm) return warm;

  const std::size_t before = visitors.gone();
  const double cpu_before = meter->cpu_seconds();
  const Tick started = now();
  if (auto ran = visitors.run_until(started + std::chrono::milliseconds(plan.window_ms)); !ran) return ran;
  const double wall = std::chrono::duration<double>(now() - started).count();
  const double cpu = meter->cpu_seconds() - cpu_before;
  const auto logins = static_cast<double>(visitors.gone() - before);
  if (logins == 0) return fail(Errc::timeout, "no login was done in {} ms", plan.window_ms);

  report("logins", logins);
  report("per_wall_s", logins / wall, 1);
  if (meter->measures()) {
    report("server_cpu_s", cpu, 3);
    report("per_cpu_s", cpu > 0 ? logins / cpu : 0, 1);
    report("cpu_ms_each", cpu / logins * 1e3, 3);
  }
  return {};
}

Result<void> run_register(const RunPlan& run, std::size_t accounts) {
  constexpr std::size_t kAtOnce = 8;
  Loop loop;
  std::size_t nth = 0;
  Visitors visitors(loop, run.server, Dialogue::Goal::account, kAtOnce, [&]() -> std::optional<Identity> {
    if (nth == accounts) return std::nullopt;
    return Identity{.name = fmt::format("{}{}", run.accounts.prefix, run.accounts.first + nth++),
                    .password = run.accounts.password,
                    .resource = {},
                    .peer = {},
                    .greeting = {}};
  });
  if (auto ran = visitors.run_until(run.deadline()); !ran) return ran;
  if (visitors.gone() < accounts) return fail(Errc::timeout, "{} of {} accounts made", visitors.gone(), accounts);
  report("accounts", static_cast<double>(accounts));
  return {};
}

Result<void> run_derive(std::uint32_t iterations) {
  constexpr int kRounds = 15;
  using core::Hash;
  for (const auto& [hash, name] :
       {std::pair{Hash::sha1, "sha1_ms"}, {Hash::sha256, "sha256_ms"}, {Hash::sha512, "sha512_ms"}}) {
    std::vector<double> times;
    for (int i = 0; i < kRounds; ++i) {
      const double before = own_cpu_seconds();
      const auto salted = core::salted_password(hash, "secret", "0123456789abcdef", iterations);
      if (!salted) return pass(salted);
      times.push_back((own_cpu_seconds() - before) * 1e3);
    }
    report(name, median(times), 3);
  }
  return {};
}

}  // namespace anser::load
