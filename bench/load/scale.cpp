// anser-load scale: what a message costs the server with few sessions and with many. The same number of messages is
// under way at any moment, and the sender is always the session that has been silent longest, so that with more
// sessions everything a message touches has gone cold. With --bare the same load goes through the relay.
#include <iostream>
#include <string>
#include <vector>

#include "command.h"
#include "meter.h"
#include "traffic.h"

namespace anser::load {
namespace {

// Sessions of one server, and what their messages cost it.
struct Side {
  Side(Loop& loop, const ServerPlan& server, const AccountPlan& accounts, const ScalePlan& plan, ServerMeter meter)
      : fleet(loop, server, accounts),
        traffic(fleet, plan.body_bytes, plan.in_flight),
        meter(std::move(meter)),
        plan(plan) {}

  Result<void> open(std::size_t sessions, Tick deadline) {
    auto opened = fleet.open(sessions, deadline);
    traffic.cover_fleet();
    return opened;
  }
  // Adds what each of so many windows cost: microseconds of server CPU a message.
  Result<void> measure(int windows) {
    const auto send_next = [&](std::size_t) {
      traffic.send(next);
      next = next + 1 < fleet.size() ? next + 1 : 0;
    };
    traffic.set_on_delivered(send_next);
    for (std::size_t i = 0; i < plan.in_flight; ++i) send_next(0);
    const auto window = std::chrono::milliseconds(plan.window_ms);
    if (auto warm = traffic.run_window(window, plan.in_flight); !warm) return warm;
    for (int i = 0; i < windows; ++i) {
      const std::uint64_t delivered_before = traffic.delivered();
      const double cpu_before = meter.cpu_seconds();
      if (auto ran = traffic.run_window(window, plan.in_flight); !ran) return ran;
      const auto deliveries = static_cast<double>(traffic.delivered() - delivered_before);
      costs.push_back((meter.cpu_seconds() - cpu_before) / deliveries * 1e6);
    }
    return traffic.drain();
  }

  Fleet fleet;
  Traffic traffic;
  const ServerMeter meter;
  const ScalePlan& plan;
  std::vector<double> costs;
  std::size_t next = 0;  // sends
};

Result<void> one_after_the_other(const RunPlan& run, const ScalePlan& plan, Side& side) {
  std::vector<double> costs;
  for (const std::size_t sessions : plan.sessions) {
    if (auto opened = side.open(sessions, run.deadline()); !opened) return opened;
    side.costs.clear();
    if (auto measured = side.measure(plan.windows); !measured) return measured;
    costs.push_back(median(side.costs));
    report(fmt::format("us_at_{}", sessions), costs.back(), 2);
  }
  report("growth_us", costs.back() - costs.front(), 2);
  return {};
}

// What disturbs the machine disturbs both, and the growth of each turn is one of a pair.
Result<void> by_turns(const RunPlan& run, const ScalePlan& plan, Side& few, Side& many) {
  if (auto opened = few.open(plan.sessions.front(), run.deadline()); !opened) return opened;
  if (auto opened = many.open(plan.sessions.back(), run.deadline()); !opened) return opened;
  std::vector<double> growths;
  const auto another = [&](int turn) {
    std::string line;
    return plan.paced ? !std::getline(std::cin, line).fail() : turn < plan.windows;
  };
  for (int turn = 0; another(turn); ++turn) {
    if (auto measured = few.measure(1); !measured) return measured;
    if (auto measured = many.measure(1); !measured) return measured;
    growths.push_back(many.costs.back() - few.costs.back());
    if (plan.paced) report("turn_us", growths.back(), 3);
  }
  if (growths.empty()) return fail(Errc::bad_request, "no turn was asked for");
  report(fmt::format("us_at_{}", plan.sessions.front()), median(few.costs), 2);
  report(fmt::format("us_at_{}", plan.sessions.back()), median(many.costs), 2);
  report("growth_us", median(growths), 2);
  return {};
}

}  // namespace

Result<void> run_scale(const RunPlan& run, const ScalePlan& plan) {
  auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  Side many{loop, run.server, run.accounts, plan, std::move(*meter)};
  if (plan.few_port == 0) return one_after_the_other(run, plan, many);
  if (plan.sessions.size() != 2 || !many.meter.measures())
    return fail(Errc::bad_request, "two servers take two numbers of sessions, and the processes of both");

  auto few_meter = ServerMeter::of(plan.few_pids);
  if (!few_meter) return pass(few_meter);
  ServerPlan few_server = run.server;
  few_server.port = plan.few_port;
  Side few{loop, few_server, run.accounts, plan, std::move(*few_meter)};
  return by_turns(run, plan, few, many);
}

}  // namespace anser::load
