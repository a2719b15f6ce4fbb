// anser-load scale: what a message costs the server with few sessions and with many. The same number of messages is
// under way at any moment, and the sender is always the session that has been silent longest, so that with more
// sessions everything a message touches has gone cold. With --bare the same load goes through the relay.
#include <string>
#include <vector>

#include "command.h"
#include "meter.h"
#include "traffic.h"

namespace anser::load {
namespace {

// Microseconds of server CPU a message; the median of the windows, since others use the machine too.
Result<double> cost(Fleet& fleet, Traffic& traffic, const ServerMeter& meter, const ScalePlan& plan) {
  std::size_t next = 0;
  const auto send_next = [&](std::size_t) {
    traffic.send(next);
    next = next + 1 < fleet.size() ? next + 1 : 0;
  };
  traffic.set_on_delivered(send_next);
  for (std::size_t i = 0; i < plan.in_flight; ++i) send_next(0);
  const auto window = std::chrono::milliseconds(plan.window_ms);
  if (auto warm = traffic.run_window(window, plan.in_flight); !warm) return pass(warm);

  std::vector<double> costs;
  for (int i = 0; i < plan.windows; ++i) {
    const std::uint64_t delivered_before = traffic.delivered();
    const double cpu_before = meter.cpu_seconds();
    if (auto ran = traffic.run_window(window, plan.in_flight); !ran) return pass(ran);
    const auto deliveries = static_cast<double>(traffic.delivered() - delivered_before);
    costs.push_back((meter.cpu_seconds() - cpu_before) / deliveries * 1e6);
  }
  if (auto drained = traffic.drain(); !drained) return pass(drained);
  return median(costs);
}

}  // namespace

Result<void> run_scale(const RunPlan& run, const ScalePlan& plan) {
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  Fleet fleet(loop, run.server, run.accounts);
  Traffic traffic(fleet, plan.body_bytes, plan.in_flight);

  double first = 0;
  double last = 0;
  for (const std::size_t sessions : plan.sessions) {
    if (auto opened = fleet.open(sessions, run.deadline()); !opened) return opened;
    traffic.cover_fleet();
    const auto measured = cost(fleet, traffic, *meter, plan);
    if (!measured) return pass(measured);
    report(fmt::format("us_at_{}", sessions), *measured, 2);
    if (sessions == plan.sessions.front()) first = *measured;
    last = *measured;
  }
  report("growth_us", last - first, 2);
  return {};
}

}  // namespace anser::load
