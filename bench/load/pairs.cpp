// anser-load pairs and latency: messages between partners, many at a time and one at a time.
#include "archive.h"
#include "command.h"
#include "meter.h"
#include "traffic.h"

namespace anser::load {
namespace {

Result<void> report_archives(Fleet& fleet, const Traffic& traffic, const RunPlan& run) {
  const auto count = count_archives(fleet, traffic, run.deadline());
  if (!count) return pass(count);
  report("archives_counted", static_cast<double>(count->archives));
  report("archived", static_cast<double>(count->messages));
  return {};
}

}  // namespace

Result<void> run_pairs(const RunPlan& run, const PairsPlan& plan) {
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  Fleet fleet(loop, run.server, run.accounts);
  if (auto opened = fleet.open(plan.clients, run.deadline()); !opened) return opened;

  Traffic traffic(fleet, plan.body_bytes, plan.in_flight);
  traffic.set_on_delivered([&](std::size_t sender) { traffic.send(sender); });
  for (std::size_t i = 0; i < plan.clients * plan.in_flight; ++i) traffic.send(i % plan.clients);
  const std::uint64_t round = plan.clients * plan.in_flight;
  if (auto warm = traffic.run_window(std::chrono::milliseconds(plan.warm_up_ms), round); !warm) return warm;

  traffic.sample_latencies(true);
  // What counts is that the receiver has it and, with stream management, that its sender knows it to be stored.
  const auto deliveries_now = [&] { return run.server.acks ? fleet.acknowledged() : traffic.delivered(); };
  const std::uint64_t deliveries_before = deliveries_now();
  const double cpu_before = meter->cpu_seconds();
  const double own_before = own_cpu_seconds();
  const Tick started = now();
  if (auto ran = traffic.run_window(std::chrono::milliseconds(plan.window_ms), round); !ran) return ran;
  const double wall = std::chrono::duration<double>(now() - started).count();
  const double cpu = meter->cpu_seconds() - cpu_before;
  const double own_cpu = own_cpu_seconds() - own_before;
  const auto deliveries = static_cast<double>(deliveries_now() - deliveries_before);
  traffic.sample_latencies(false);
  if (auto drained = traffic.drain(); !drained) return drained;

  report("deliveries", deliveries);
  report("wall_s", wall, 3);
  report("per_wall_s", deliveries / wall);
  if (meter->measures()) {
    report("server_cpu_s", cpu, 3);
    report("per_cpu_s", cpu > 0 ? deliveries / cpu : 0);
  }
  report("per_load_cpu_s", deliveries / own_cpu);
  report("latency_median_ms", traffic.latencies().percentile(0.5), 3);
  report("latency_p99_ms", traffic.latencies().percentile(0.99), 3);
  return plan.count_archives ? report_archives(fleet, traffic, run) : Result<void>{};
}

Result<void> run_latency(const RunPlan& run, const LatencyPlan& plan) {
  constexpr std::size_t kWarmUp = 50;
  Loop loop;
  Fleet fleet(loop, run.server, run.accounts);
  if (auto opened = fleet.open(2, run.deadline()); !opened) return opened;
  if (auto idle = fleet.acknowledge_all(run.deadline()); !idle) return idle;

  Traffic traffic(fleet, plan.body_bytes, 1);
  traffic.set_on_delivered([](std::size_t) {});
  for (std::size_t i = 0; i < kWarmUp + plan.messages; ++i) {
    traffic.sample_latencies(i >= kWarmUp);
    traffic.send(i % 2);
    auto arrived = fleet.run_until(run.deadline(), "a message",
                                   [&] { return traffic.in_flight() == 0 && fleet.all_acknowledged(); });
    if (!arrived) return arrived;
    if (auto waited = fleet.run_for(std::chrono::milliseconds(plan.gap_ms)); !waited) return waited;
  }
  report("messages", static_cast<double>(plan.messages));
  report("latency_median_ms", traffic.latencies().percentile(0.5), 3);
  report("latency_p99_ms", traffic.latencies().percentile(0.99), 3);
  return plan.count_archives ? report_archives(fleet, traffic, run) : Result<void>{};
}

}  // namespace anser::load
