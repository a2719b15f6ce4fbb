// anser-load idle: the memory of sessions that do nothing, by opening few and then many. And anser-load contacts, which
// gives accounts the rosters for the line with contacts.
#include <string>
#include <vector>

#include "command.h"
#include "meter.h"
#include "scan.h"

namespace anser::load {
namespace {

constexpr auto kSample = std::chrono::milliseconds(500);
constexpr int kMostSamples = 30;
constexpr double kSteady = 0.002;  // of the resident memory, twice in a row

Result<double> settled_rss(Fleet& fleet, const ServerMeter& meter) {
  double before = 0;
  int steady = 0;
  for (int i = 0; i < kMostSamples && steady < 2; ++i) {
    if (auto ran = fleet.run_for(kSample); !ran) return pass(ran);
    const auto rss = static_cast<double>(meter.rss_bytes());
    steady = std::abs(rss - before) <= kSteady * rss ? steady + 1 : 0;
    before = rss;
  }
  return before;
}

// Asks each member of a group for each other's presence, grants everything, and counts what was granted.
class Group {
 public:
  Group(Fleet& fleet) : fleet_(fleet) {
    fleet_.set_on_stanza([this](Client& client, std::string_view stanza) { on_stanza(client, stanza); });
  }

  void introduce_all() {
    for (std::size_t from = 0; from < fleet_.size(); ++from) {
      for (std::size_t to = 0; to < fleet_.size(); ++to) {
        if (from != to) fleet_[from].send(presence("subscribe", bare_of(to)));
      }
    }
  }

  bool done() const { return granted_ == fleet_.size() * (fleet_.size() - 1); }

 private:
  std::string bare_of(std::size_t i) const { return fmt::format("{}@{}", fleet_.name_of(i), fleet_.server().domain); }

  static std::string presence(std::string_view type, std::string_view to) {
    return fmt::format("<presence type='{}' to='{}'/>", type, to);
  }

  void on_stanza(Client& client, std::string_view stanza) {
    if (!stanza.starts_with("<presence")) return;
    const std::string_view type = attribute_of(stanza, "type");
    std::string_view from = attribute_of(stanza, "from");
    from = from.substr(0, from.find('/'));
    if (type == "subscribe") client.send(presence("subscribed", from));
    if (type == "subscribed") ++granted_;
    if (type == "error") fleet_.give_up({Errc::bad_request, std::string(stanza)});
  }

  Fleet& fleet_;
  std::size_t granted_ = 0;
};

}  // namespace

Result<void> run_idle(const RunPlan& run, const IdlePlan& plan) {
  if (plan.many <= plan.few) return fail(Errc::invalid_config, "the second number of sessions must be the larger one");
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  AccountPlan accounts = run.accounts;
  // As a client does at login: it wants its roster, then it is there.
  accounts.greeting = "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>";
  Loop loop;
  Fleet fleet(loop, run.server, accounts);

  std::vector<double> rss;
  for (const std::size_t sessions : {plan.few, plan.many}) {
    if (auto opened = fleet.open(sessions, run.deadline()); !opened) return opened;
    if (auto emptied = fleet.acknowledge_all(run.deadline()); !emptied) return emptied;  // the server keeps nothing
    const auto settled = settled_rss(fleet, *meter);
    if (!settled) return pass(settled);
    rss.push_back(*settled);
    report(fmt::format("rss_{}_mb", sessions), *settled / 1e6, 1);
  }
  report("session_kb", (rss[1] - rss[0]) / static_cast<double>(plan.many - plan.few) / 1024, 2);
  return {};
}

Result<void> run_contacts(const RunPlan& run, const ContactsPlan& plan) {
  const std::size_t group_size = plan.contacts + 1;
  std::size_t made = 0;
  for (std::size_t first = 0; first < plan.accounts; first += group_size) {
    AccountPlan accounts = run.accounts;
    accounts.first += first;
    Loop loop;
    Fleet fleet(loop, run.server, accounts);
    if (auto opened = fleet.open(std::min(group_size, plan.accounts - first), run.deadline()); !opened) return opened;
    Group group(fleet);
    group.introduce_all();
    if (auto done = fleet.run_until(run.deadline(), "subscriptions", [&] { return group.done(); }); !done) return done;
    made += fleet.size() * (fleet.size() - 1);
  }
  report("contacts", static_cast<double>(made));
  return {};
}

}  // namespace anser::load
