// The sub-commands of anser-load. Each opens its own sessions, measures, prints its figures and returns; the error says
// why a run is void.
#pragma once

#include <cstddef>
#include <vector>

#include "dialogue.h"
#include "fleet.h"

namespace anser::load {

// What every sub-command is told.
struct RunPlan {
  ServerPlan server;
  AccountPlan accounts;
  std::vector<int> pids;  // of the server; its CPU and memory are read
  int timeout_s = 120;    // for the whole run

  Tick deadline() const { return started + std::chrono::seconds(timeout_s); }
  Tick started = now();
};

struct PairsPlan {
  std::size_t clients = 100;
  std::size_t in_flight = 16;  // each client's messages that its partner did not get yet
  std::size_t body_bytes = 100;
  int warm_up_ms = 1000;
  int window_ms = 3000;
  bool count_archives = false;  // afterwards; the accounts must be new
};
Result<void> run_pairs(const RunPlan& run, const PairsPlan& plan);

struct LatencyPlan {
  std::size_t messages = 1000;
  int gap_ms = 1;  // between one's arrival and the next
  std::size_t body_bytes = 100;
  bool count_archives = false;
};
Result<void> run_latency(const RunPlan& run, const LatencyPlan& plan);

struct OfflinePlan {
  std::size_t senders = 20;
  std::string recipient_prefix = "o";
  std::size_t recipients = 200;
  std::size_t most_each = 90;  // servers cap an account's offline messages, often at 100
  std::size_t body_bytes = 100;
  int window_ms = 3000;
};
Result<void> run_offline(const RunPlan& run, const OfflinePlan& plan);

struct IdlePlan {
  std::size_t few = 1000;
  std::size_t many = 10000;
};
Result<void> run_idle(const RunPlan& run, const IdlePlan& plan);

struct ContactsPlan {
  std::size_t accounts = 1000;
  std::size_t contacts = 50;  // each
};
// Makes groups in which everybody has everybody as a contact, both ways.
Result<void> run_contacts(const RunPlan& run, const ContactsPlan& plan);

struct ScalePlan {
  std::vector<std::size_t> sessions = {100, 10000};
  // A second server, for the first of two numbers of sessions: the two take turns, each time a window to warm up and
  // one that counts. 0: one server, one number of sessions after the other.
  std::uint16_t few_port = 0;
  std::vector<int> few_pids;
  std::size_t in_flight = 100;  // altogether, whatever the number of sessions
  std::size_t body_bytes = 100;
  int windows = 5;
  bool paced = false;  // with two servers: a turn for each line that comes on standard input, until that ends
  int window_ms = 1000;
};
Result<void> run_scale(const RunPlan& run, const ScalePlan& plan);

struct LoginPlan {
  std::size_t accounts = 20;
  std::size_t at_once = 4;
  int warm_up_ms = 500;
  int window_ms = 3000;
};
Result<void> run_login(const RunPlan& run, const LoginPlan& plan);

Result<void> run_register(const RunPlan& run, std::size_t accounts);

// One derivation of each hash on this machine: what PLAIN costs a server that keeps SCRAM keys only.
Result<void> run_derive(std::uint32_t iterations);

}  // namespace anser::load
