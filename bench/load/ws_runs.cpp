// anser-load ws-echo, ws-fan-out, ws-pairs and ws-idle.
#include <algorithm>
#include <cmath>
#include <deque>

#include "meter.h"
#include "ws_client.h"
#include "ws_command.h"

namespace anser::load {
namespace {

using What = WsMeaning::What;

constexpr auto kSample = std::chrono::milliseconds(500);
constexpr int kMostSamples = 30;
constexpr double kSteady = 0.002;  // of the resident memory, twice in a row

// Warms up, and reports what `count` grew by and what it cost the server, by the window's end.
Result<void> measure(WsFleet& fleet, const ServerMeter& meter, const WsWindow& window,
                     const std::function<std::uint64_t()>& count) {
  if (auto warm = fleet.run_for(std::chrono::milliseconds(window.warm_up_ms)); !warm) return warm;
  const std::uint64_t before = count();
  const double cpu_before = meter.cpu_seconds();
  const double own_before = own_cpu_seconds();
  const Tick started = now();
  if (auto ran = fleet.run_for(std::chrono::milliseconds(window.window_ms)); !ran) return ran;
  const double wall = std::chrono::duration<double>(now() - started).count();
  const double cpu = meter.cpu_seconds() - cpu_before;
  const auto done = static_cast<double>(count() - before);
  if (done == 0) return fail(Errc::timeout, "nothing came back in {} ms", window.window_ms);
  report("count", done);
  report("per_wall_s", done / wall);
  report("per_load_cpu_s", done / (own_cpu_seconds() - own_before));
  if (meter.measures()) {
    report("server_cpu_s", cpu, 3);
    report("per_cpu_s", cpu > 0 ? done / cpu : 0);
  }
  return {};
}

Error wrong_order(const WsClient& client, std::uint64_t expected) {
  return {Errc::bad_request, fmt::format("client {} did not get message {} when it was due", client.index(), expected)};
}

}  // namespace

Result<void> run_ws_echo(const RunPlan& run, const WsPlan& plan, std::size_t clients, const WsWindow& window) {
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  WsFleet fleet(loop, run, plan);
  if (auto opened = fleet.open(clients); !opened) return opened;
  const std::string beat = ws_beat(plan);
  std::uint64_t beats = 0;
  fleet.set_on_meaning([&](WsClient& client, const WsMeaning& meaning) {
    if (meaning.what != What::beat) return;
    ++beats;
    client.send(beat);
  });
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet[i].send(beat);
  return measure(fleet, *meter, window, [&] { return beats; });
}

Result<void> run_ws_fan_out(const RunPlan& run, const WsPlan& plan, std::size_t clients, std::size_t in_flight,
                            const WsWindow& window) {
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  WsFleet fleet(loop, run, plan);
  if (auto opened = fleet.open(clients); !opened) return opened;

  WsTemplate message = ws_message(plan, {});
  NumberReader numbers;
  std::vector<std::uint64_t> received(clients, 0);  // by each, and the number that is due next
  std::deque<std::size_t> missing;                  // of each message in flight: who has not got it
  std::uint64_t first = 0;                          // the number of the first of them
  std::uint64_t sent = 0;
  std::uint64_t stored = 0;
  std::uint64_t deliveries = 0;
  std::size_t message_bytes = 0;
  bool sending = true;
  const auto send = [&] {
    fleet[0].send(message.stamped(sent++));
    missing.push_back(clients);
  };
  fleet.set_on_meaning([&](WsClient& client, const WsMeaning& meaning) {
    if (meaning.what == What::stored) ++stored;
    if (meaning.what != What::message) return;
    std::uint64_t& due = received[client.index()];
    const auto number = numbers.read(meaning.detail);
    if (!number || *number != due || due - first >= missing.size()) return fleet.give_up(wrong_order(client, due));
    message_bytes = meaning.detail.size();
    --missing[due - first];
    ++due;
    ++deliveries;
    while (!missing.empty() && missing.front() == 0) {
      missing.pop_front();
      ++first;
      if (sending) send();
    }
  });
  for (std::size_t i = 0; i < in_flight; ++i) send();
  if (auto measured = measure(fleet, *meter, window, [&] { return deliveries; }); !measured) return measured;
  report("message_bytes", static_cast<double>(message_bytes));
  sending = false;
  return fleet.run_until("the last messages",
                         [&] { return missing.empty() && (plan.dialect != WsDialect::anser || stored == sent); });
}

Result<void> run_ws_pairs(const RunPlan& run, const WsPlan& plan, std::size_t clients, std::size_t in_flight,
                          const WsWindow& window) {
  if (plan.dialect != WsDialect::anser) return fail(Errc::invalid_config, "only Anser acknowledges messages");
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  WsFleet fleet(loop, run, plan);
  if (auto opened = fleet.open(clients); !opened) return opened;

  struct Side {
    WsTemplate message;
    std::uint64_t sent = 0, stored = 0, received = 0;
  };
  std::vector<Side> sides(clients);
  NumberReader numbers;
  std::uint64_t deliveries = 0;
  bool sending = true;
  const auto send = [&](std::size_t i) { fleet[i].send(sides[i].message.stamped(sides[i].sent++)); };
  fleet.set_on_meaning([&](WsClient& client, const WsMeaning& meaning) {
    Side& side = sides[client.index()];
    if (meaning.what == What::message) {
      if (numbers.read(meaning.detail) != side.received) return fleet.give_up(wrong_order(client, side.received));
      ++side.received;
      ++deliveries;
    } else if (meaning.what == What::stored) {
      if (number_at(meaning.detail, 0) != side.stored) return fleet.give_up(wrong_order(client, side.stored));
      ++side.stored;
      if (sending) send(client.index());
    }
  });
  for (std::size_t i = 0; i < clients; ++i) {
    sides[i].message = ws_message(plan, fleet.name_of(i ^ 1));
    for (std::size_t k = 0; k < in_flight; ++k) send(i);
  }
  if (auto measured = measure(fleet, *meter, window, [&] { return deliveries; }); !measured) return measured;
  sending = false;
  return fleet.run_until("the last messages", [&] {
    for (std::size_t i = 0; i < clients; ++i) {
      if (sides[i].stored != sides[i].sent || sides[i].received != sides[i ^ 1].sent) return false;
    }
    return true;
  });
}

Result<void> run_ws_idle(const RunPlan& run, const WsPlan& plan, const IdlePlan& idle) {
  if (idle.many <= idle.few) return fail(Errc::invalid_config, "the second number of sessions must be the larger one");
  const auto meter = ServerMeter::of(run.pids);
  if (!meter) return pass(meter);
  Loop loop;
  WsFleet fleet(loop, run, plan);
  std::size_t beats = 0;
  fleet.set_on_meaning([&](WsClient&, const WsMeaning& meaning) { beats += meaning.what == What::beat ? 1 : 0; });
  std::vector<double> rss;
  std::size_t asked = 0;
  for (const std::size_t count : {idle.few, idle.many}) {
    if (auto opened = fleet.open(count); !opened) return opened;
    for (; asked < count; ++asked) fleet[asked].send(ws_beat(plan));
    if (auto answered = fleet.run_until("heartbeats", [&] { return beats >= count; }); !answered) return answered;
    double before = 0;
    for (int i = 0, steady = 0; i < kMostSamples && steady < 2; ++i) {
      if (auto ran = fleet.run_for(kSample); !ran) return ran;
      const auto now_resident = static_cast<double>(meter->rss_bytes());
      steady = std::abs(now_resident - before) <= kSteady * now_resident ? steady + 1 : 0;
      before = now_resident;
    }
    rss.push_back(before);
    report(fmt::format("rss_{}_mb", count), before / 1e6, 1);
  }
  report("connection_bytes", (rss[1] - rss[0]) / static_cast<double>(idle.many - idle.few));
  return {};
}

}  // namespace anser::load
