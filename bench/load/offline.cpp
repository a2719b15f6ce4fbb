// anser-load offline: messages to accounts that are away, each batch followed by a ping. What was sent before an
// answered ping counts as stored; then everybody logs in, and every message must arrive exactly once.
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "meter.h"
#include "traffic.h"

namespace anser::load {
namespace {

constexpr std::size_t kBatch = 64;         // messages before a ping
constexpr std::size_t kBatchesAtOnce = 2;  // unanswered pings of one sender
constexpr auto kArrivalTime = std::chrono::seconds(30);
constexpr std::string_view kPingId = "anser-load-ping";

// Sender s owns the recipients s, s + S, s + 2S…: so each recipient's messages come from one stream, in order.
class Storing {
 public:
  Storing(Fleet& senders, const RunPlan& run, const OfflinePlan& plan) : senders_(senders), plan_(plan) {
    for (std::size_t r = 0; r < plan.recipients; ++r) {
      const std::string bare = fmt::format("{}{}@{}", plan.recipient_prefix, r, run.server.domain);
      messages_.emplace_back(bare, plan.body_bytes);
    }
    next_.resize(senders.size());
    for (std::size_t s = 0; s < next_.size(); ++s) next_[s] = s;
    sent_.resize(plan.recipients);
    ping_ =
        fmt::format("<iq type='get' id='{}' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", kPingId, run.server.domain);
    senders_.set_on_stanza([this](Client& client, std::string_view stanza) { on_stanza(client, stanza); });
  }

  void start(Tick until) {
    until_ = until;
    for (std::size_t s = 0; s < senders_.size(); ++s) {
      for (std::size_t i = 0; i < kBatchesAtOnce; ++i) send_batch(s);
    }
  }

  bool done() const { return pings_ == 0; }
  std::size_t stored() const { return stored_; }
  const std::vector<std::uint32_t>& sent() const { return sent_; }

 private:
  void send_batch(std::size_t sender) {
    std::size_t count = 0;
    while (count < kBatch && sent_[next_[sender]] < plan_.most_each) {
      const std::size_t recipient = next_[sender];
      senders_[sender].send(messages_[recipient].numbered(sent_[recipient]++));
      next_[sender] = recipient + senders_.size() < plan_.recipients ? recipient + senders_.size() : sender;
      ++count;
    }
    if (count == 0) return;  // everybody's box is as full as the run wants it
    stored_ += count;
    senders_[sender].send(ping_);
    ++pings_;
  }

  void on_stanza(Client& client, std::string_view stanza) {
    if (is_message(stanza)) return senders_.give_up({Errc::bad_request, fmt::format("not stored: {}", stanza)});
    if (stanza.substr(0, stanza.find('>')).find(kPingId) == std::string_view::npos) return;
    --pings_;
    if (now() < until_) send_batch(client.index());
  }

  Fleet& senders_;
  const OfflinePlan& plan_;
  std::vector<NumberedMessage> messages_;  // by recipient, as sent_
  std::vector<std::uint32_t> sent_;
  std::vector<std::size_t> next_;  // recipient, by sender
  std::string ping_;
  Tick until_;
  std::size_t stored_ = 0;
  std::size_t pings_ = 0;
};

// Counts what arrives, and what arrives twice.
struct Arrivals {
  explicit Arrivals(const std::vector<std::uint32_t>& sent) {
    for (const std::uint32_t count : sent) seen.emplace_back(count, false);
  }

  void take(Fleet& recipients, Client& client, std::string_view stanza) {
    if (!is_message(stanza)) return;
    const auto number = number_of(stanza);
    if (!number) return recipients.give_up(number.error());
    auto& mine = seen[client.index()];
    if (*number >= mine.size()) return recipients.give_up({Errc::bad_request, "a message that nobody sent"});
    ++(mine[*number] ? repeated : arrived);
    mine[*number] = true;
  }

  std::vector<std::vector<bool>> seen;
  std::size_t arrived = 0;
  std::size_t repeated = 0;
};

}  // namespace

Result<void> run_offline(const RunPlan& run, const OfflinePlan& plan) {
  if (plan.recipients < plan.senders) return fail(Errc::invalid_config, "each sender needs a recipient of its own");
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  Fleet senders(loop, run.server, run.accounts);
  if (auto opened = senders.open(plan.senders, run.deadline()); !opened) return opened;

  Storing storing(senders, run, plan);
  const double cpu_before = meter->cpu_seconds();
  const Tick started = now();
  storing.start(started + std::chrono::milliseconds(plan.window_ms));
  auto stored = senders.run_until(run.deadline(), "answered pings", [&] { return storing.done(); });
  if (!stored) return stored;
  const double wall = std::chrono::duration<double>(now() - started).count();
  const double cpu = meter->cpu_seconds() - cpu_before;
  const auto count = static_cast<double>(storing.stored());
  senders.close_all();

  AccountPlan accounts = run.accounts;
  accounts.prefix = plan.recipient_prefix;
  accounts.first = 0;
  Fleet recipients(loop, run.server, accounts);
  Arrivals arrivals(storing.sent());
  recipients.set_on_stanza([&](Client& client, std::string_view stanza) { arrivals.take(recipients, client, stanza); });
  if (auto opened = recipients.open(plan.recipients, run.deadline()); !opened) return opened;
  auto all = recipients.run_until(now() + kArrivalTime, "offline messages",
                                  [&] { return arrivals.arrived == storing.stored(); });
  if (!all) return fail(Errc::timeout, "{} of {} offline messages arrived", arrivals.arrived, storing.stored());

  report("stored", count);
  report("wall_s", wall, 3);
  report("per_wall_s", count / wall);
  if (meter->measures()) {
    report("server_cpu_s", cpu, 3);
    report("per_cpu_s", cpu > 0 ? count / cpu : 0);
  }
  report("arrived", static_cast<double>(arrivals.arrived));
  report("repeated", static_cast<double>(arrivals.repeated));
  return {};
}

}  // namespace anser::load
