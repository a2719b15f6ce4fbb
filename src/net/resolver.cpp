#include "net/resolver.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "net/dns_channel.h"
#include "net/host.h"

namespace anser::net {
namespace {

using boost::asio::ip::address;
using std::chrono::steady_clock;
using Answer = DnsChannel::Answer;

bool none_there(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

// Why a question has no answer, `name` being what was asked.
Error why(int status, const std::string& name) {
  switch (status) {
    case ARES_ETIMEOUT:
      return {Errc::timeout, fmt::format("no DNS server answered the question for {} in time", name)};
    case ARES_ECONNREFUSED:
      return {Errc::unavailable, fmt::format("no DNS server could be asked for {}", name)};
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
    case ARES_EFORMERR:
      return {Errc::unavailable, fmt::format("the DNS has no answer for {}: {}", name, ::ares_strerror(status))};
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {Errc::not_found, fmt::format("{} is not in the DNS", name)};
    default:
      return {Errc::io, fmt::format("the DNS gave no usable answer for {}: {}", name, ::ares_strerror(status))};
  }
}

Error why(const Answer& answer, const std::string& name) { return why(answer.status.value_or(ARES_ETIMEOUT), name); }

std::string without_final_dot(std::string name) {
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

Result<SrvAnswer> read_srv(const Answer& answer, const std::string& name, const Chance& chance) {
  if (answer.status && none_there(*answer.status)) return SrvAnswer{};
  if (answer.status != ARES_SUCCESS) return tl::make_unexpected(why(answer, name));

  ares_srv_reply* first = nullptr;
  const int status = ::ares_parse_srv_reply(reinterpret_cast<const unsigned char*>(answer.message.data()),
                                            static_cast<int>(answer.message.size()), &first);
  if (none_there(status)) return SrvAnswer{};
  if (status != ARES_SUCCESS) return tl::make_unexpected(why(status, name));

  std::vector<SrvRecord> records;
  bool declined = false;
  for (const ares_srv_reply* at = first; at; at = at->next) {
    std::string target = without_final_dot(at->host);
    if (target.empty() || target == ".") {
      declined = true;
    } else if (is_host_name(target)) {
      records.push_back({at->priority, at->weight, at->port, std::move(target)});
    }
  }
  const bool any = first != nullptr;
  ::ares_free_data(first);
  if (records.empty() && any && !declined) return fail(Errc::io, "the SRV records of {} name no host", name);
  declined = declined && records.empty();
  return SrvAnswer{in_srv_order(std::move(records), chance), declined};
}

void append_v4(const Answer& answer, std::vector<address>& found) {
  std::array<ares_addrttl, Resolver::kMost> records;
  int count = static_cast<int>(records.size());
  if (::ares_parse_a_reply(reinterpret_cast<const unsigned char*>(answer.message.data()),
                           static_cast<int>(answer.message.size()), nullptr, records.data(), &count) != ARES_SUCCESS) {
    return;
  }
  for (int i = 0; i < count; ++i) found.emplace_back(boost::asio::ip::address_v4{ntohl(records[i].ipaddr.s_addr)});
}

void append_v6(const Answer& answer, std::vector<address>& found) {
  std::array<ares_addr6ttl, Resolver::kMost> records;
  int count = static_cast<int>(records.size());
  if (::ares_parse_aaaa_reply(reinterpret_cast<const unsigned char*>(answer.message.data()),
                              static_cast<int>(answer.message.size()), nullptr, records.data(),
                              &count) != ARES_SUCCESS) {
    return;
  }
  for (int i = 0; i < count; ++i) {
    boost::asio::ip::address_v6::bytes_type bytes;
    std::copy_n(reinterpret_cast<const unsigned char*>(&records[i].ip6addr), bytes.size(), bytes.begin());
    found.emplace_back(boost::asio::ip::address_v6{bytes});
  }
}

std::vector<address> addresses_in(const Answer& v6, const Answer& v4) {
  std::vector<address> found;
  if (v6.status == ARES_SUCCESS) append_v6(v6, found);
  if (v4.status == ARES_SUCCESS) append_v4(v4, found);
  return found;
}

// Both said there is none, or the first that failed otherwise.
Error why_no_address(const Answer& v6, const Answer& v4, const std::string& host) {
  for (const Answer* answer : {&v4, &v6}) {
    const int status = answer->status.value_or(ARES_ETIMEOUT);
    if (status == ARES_SUCCESS) return why(ARES_EBADRESP, host);
    if (!none_there(status)) return why(status, host);
  }
  return {Errc::not_found, fmt::format("{} has no address in the DNS", host)};
}

}  // namespace

std::uint32_t random_chance(std::uint32_t most) {
  thread_local std::mt19937 engine{std::random_device{}()};
  return std::uniform_int_distribution<std::uint32_t>{0, most}(engine);
}

std::vector<SrvRecord> in_srv_order(std::vector<SrvRecord> records, const Chance& chance) {
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::pair{a.priority, a.weight != 0} < std::pair{b.priority, b.weight != 0};
  });
  if (records.size() > Resolver::kMost) records.resize(Resolver::kMost);

  // In front of `next` stands what has been drawn. The rest of its priority keeps the weights of 0 at the beginning.
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto end = std::find_if(next, records.end(), [&](const auto& r) { return r.priority != next->priority; });
    std::uint32_t sum = 0;
    for (auto at = next; at != end; ++at) sum += at->weight;
    const std::uint32_t drawn = chance(sum);
    std::uint32_t running = next->weight;
    auto chosen = next;
    while (running < drawn && chosen + 1 != end) running += (++chosen)->weight;
    std::rotate(next, chosen, chosen + 1);
  }
  return records;
}

Task<Result<SrvAnswer>> Resolver::srv(std::string name, Moment deadline) {
  std::vector<std::string> names{std::move(name)};
  auto answers = co_await srv(std::move(names), deadline);
  if (!answers) co_return pass(answers);
  co_return std::move(answers->front());
}

Task<Result<std::vector<Result<SrvAnswer>>>> Resolver::srv(std::vector<std::string> names, Moment deadline) {
  for (const std::string& name : names) {
    if (!is_host_name(name)) co_return fail(Errc::bad_request, "'{}' is not a name that the DNS can have", name);
  }
  deadline = std::min(deadline, steady_clock::now() + options_.limit);
  DnsChannel channel{core_};
  if (auto opened = channel.open(options_); !opened) co_return pass(opened);

  std::vector<const Answer*> answers;
  for (const std::string& name : names) answers.push_back(&channel.ask(name, DnsChannel::kSrv));
  const auto waiting = [](const Answer* answer) { return !answer->status; };
  while (std::any_of(answers.begin(), answers.end(), waiting) && steady_clock::now() < deadline) {
    const auto worked = co_await channel.work(deadline);
    if (!worked) co_return pass(worked);
  }

  std::vector<Result<SrvAnswer>> read;
  for (std::size_t i = 0; i < names.size(); ++i) read.push_back(read_srv(*answers[i], names[i], options_.chance));
  co_return read;
}

Task<Result<std::vector<address>>> Resolver::addresses(std::string host, Moment deadline) {
  boost::system::error_code error;
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  const auto literal = boost::asio::ip::make_address(brackets ? host.substr(1, host.size() - 2) : host, error);
  if (!error && (literal.is_v6() || !brackets)) co_return std::vector<address>{literal};

  host = without_final_dot(std::move(host));
  if (!is_host_name(host)) co_return fail(Errc::bad_request, "'{}' is not the name of a host", host);
  deadline = std::min(deadline, steady_clock::now() + options_.limit);
  DnsChannel channel{core_};
  if (auto opened = channel.open(options_); !opened) co_return pass(opened);

  std::vector<address> known = channel.in_hosts_file(host, AF_INET6);
  for (const address& v4 : channel.in_hosts_file(host, AF_INET)) known.push_back(v4);
  if (!known.empty()) co_return known;

  const Answer& v6 = channel.ask(host, DnsChannel::kAaaa);
  const Answer& v4 = channel.ask(host, DnsChannel::kA);
  bool impatient = false;
  while ((!v6.status || !v4.status) && steady_clock::now() < deadline) {
    if (!impatient && !addresses_in(v6, v4).empty()) {
      impatient = true;
      deadline = std::min(deadline, steady_clock::now() + kPatience);
    }
    const auto worked = co_await channel.work(deadline);
    if (!worked) co_return pass(worked);
  }
  std::vector<address> found = addresses_in(v6, v4);
  if (found.empty()) co_return tl::make_unexpected(why_no_address(v6, v4, host));
  co_return found;
}

}  // namespace anser::net
