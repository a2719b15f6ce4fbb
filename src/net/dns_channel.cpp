#include "net/dns_channel.h"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/ip/udp.hpp>
#include <charconv>
#include <cstring>

#include "base/assert.h"

namespace anser::net {
namespace {

using boost::asio::ip::udp;

constexpr std::uint16_t kDnsPort = 53;

std::optional<udp::endpoint> parse_server(std::string_view text) {
  boost::system::error_code error;
  const auto alone = boost::asio::ip::make_address(text, error);
  if (!error) return udp::endpoint{alone, kDnsPort};

  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto address = boost::asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error || wrong != std::errc{} || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  return udp::endpoint{address, port};
}

ares_addr_port_node node_of(const udp::endpoint& server) {
  ares_addr_port_node node{};
  node.udp_port = node.tcp_port = server.port();
  if (server.address().is_v4()) {
    node.family = AF_INET;
    const auto bytes = server.address().to_v4().to_bytes();
    std::memcpy(&node.addr.addr4, bytes.data(), bytes.size());
  } else {
    node.family = AF_INET6;
    const auto bytes = server.address().to_v6().to_bytes();
    std::memcpy(&node.addr.addr6, bytes.data(), bytes.size());
  }
  return node;
}

}  // namespace

DnsChannel::~DnsChannel() {
  if (channel_) ::ares_destroy(channel_);
}

Result<void> DnsChannel::open(const Resolver::Options& options) {
  static const int ready = ::ares_library_init(ARES_LIB_INIT_ALL);
  if (ready != ARES_SUCCESS) return fail(Errc::internal, "c-ares does not start: {}", ::ares_strerror(ready));
  if (auto opened = waits_.open(); !opened) return pass(opened);

  ares_options wishes{};
  char lookups[] = "fb";  // files, then servers: whatever nsswitch.conf says
  wishes.lookups = lookups;
  wishes.timeout = static_cast<int>(options.attempt.count());
  wishes.tries = options.attempts;
  wishes.ndomains = 0;
  wishes.sock_state_cb = &DnsChannel::socket_wants;
  wishes.sock_state_cb_data = this;
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ::ares_init_options(&channel_, &wishes, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    return fail(Errc::resource_limit, "cannot ask the DNS: {}", ::ares_strerror(status));
  }
  return options.servers.empty() ? Result<void>{} : set_servers(options.servers);
}

Result<void> DnsChannel::set_servers(const std::vector<std::string>& servers) {
  std::vector<ares_addr_port_node> nodes;
  for (const std::string& text : servers) {
    const auto server = parse_server(text);
    if (!server)
      return fail(Errc::invalid_config, "'{}' is not the IP address of a DNS server, with or without port", text);
    nodes.push_back(node_of(*server));
  }
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) nodes[i].next = &nodes[i + 1];
  const int status = ::ares_set_servers_ports(channel_, nodes.data());
  if (status != ARES_SUCCESS)
    return fail(Errc::invalid_config, "cannot use these DNS servers: {}", ::ares_strerror(status));
  return {};
}

const DnsChannel::Answer& DnsChannel::ask(const std::string& name, int type) {
  constexpr int kInternet = 1;
  Answer& answer = answers_.emplace_back();
  ::ares_query(channel_, name.c_str(), kInternet, type, &DnsChannel::answered, &answer);
  return answer;
}

void DnsChannel::answered(void* answer, int status, int, unsigned char* message, int size) {
  Answer& mine = *static_cast<Answer*>(answer);
  mine.status = status;
  if (message && size > 0) mine.message.assign(reinterpret_cast<const char*>(message), static_cast<std::size_t>(size));
}

std::vector<boost::asio::ip::address> DnsChannel::in_hosts_file(const std::string& name, int family) {
  std::vector<boost::asio::ip::address> addresses;
  hostent* host = nullptr;
  if (::ares_gethostbyname_file(channel_, name.c_str(), family, &host) != ARES_SUCCESS) return addresses;
  for (char** at = host->h_addr_list; *at && addresses.size() < Resolver::kMost; ++at) {
    if (family == AF_INET) {
      boost::asio::ip::address_v4::bytes_type bytes;
      std::memcpy(bytes.data(), *at, bytes.size());
      addresses.emplace_back(boost::asio::ip::address_v4{bytes});
    } else {
      boost::asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), *at, bytes.size());
      addresses.emplace_back(boost::asio::ip::address_v6{bytes});
    }
  }
  ::ares_free_hostent(host);
  return addresses;
}

// A socket that cannot be watched is never ready; the question times out and goes to the next server.
void DnsChannel::socket_wants(void* self, ares_socket_t socket, int read, int write) {
  WaitSet& waits = static_cast<DnsChannel*>(self)->waits_;
  if (!read && !write) return waits.forget(socket);
  waits.watch(socket, (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u));
}

Task<Result<void>> DnsChannel::work(Moment until) {
  timeval overdue{};
  if (::ares_timeout(channel_, nullptr, &overdue)) {
    const auto after = std::chrono::seconds{overdue.tv_sec} + std::chrono::microseconds{overdue.tv_usec};
    until = std::min(until, std::chrono::steady_clock::now() + after);
  }
  const auto ready = co_await waits_.wait(until);
  if (!ready) co_return pass(ready);
  for (const epoll_event& event : *ready) {
    const bool input = event.events & ~static_cast<std::uint32_t>(EPOLLOUT);
    const bool output = event.events & EPOLLOUT;
    ::ares_process_fd(channel_, input ? event.data.fd : ARES_SOCKET_BAD, output ? event.data.fd : ARES_SOCKET_BAD);
  }
  if (ready->empty()) ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  co_return Result<void>{};
}

}  // namespace anser::net
