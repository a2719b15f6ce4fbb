// A DNS server for tests, on UDP and TCP of one port of loopback, on the test's own loop: it lies as told. For tests
// only; the loop outlives it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/resolver.h"
#include "net/test_support.h"

namespace anser::net {

// Byte formats of RFC 1035 -------------------------------------------------------------------------------------------

inline std::string dns_u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

inline std::string dns_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return bytes + '\0';
}

inline std::string dns_record(std::string_view owner, unsigned type, std::string_view data) {
  return dns_name(owner) + dns_u16(type) + dns_u16(1) + dns_u16(0) + dns_u16(60) +
         dns_u16(static_cast<unsigned>(data.size())) + std::string(data);
}

inline std::string dns_srv(std::string_view owner, unsigned priority, unsigned weight, unsigned port,
                           std::string_view target) {
  return dns_record(owner, 33, dns_u16(priority) + dns_u16(weight) + dns_u16(port) + dns_name(target));
}

inline std::string dns_address(std::string_view owner, std::string_view address) {
  const auto ip = boost::asio::ip::make_address(address);
  if (ip.is_v4()) {
    const auto bytes = ip.to_v4().to_bytes();
    return dns_record(owner, 1, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  const auto bytes = ip.to_v6().to_bytes();
  return dns_record(owner, 28, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

inline std::string dns_cname(std::string_view owner, std::string_view target) {
  return dns_record(owner, 5, dns_name(target));
}

// What it says -------------------------------------------------------------------------------------------------------

struct DnsReply {
  std::vector<std::string> records{};
  int code = 0;            // 3: no such name
  bool silent = false;     // no answer at all
  bool truncated = false;  // over UDP: come back over TCP
  int count = -1;          // said to follow, if not the truth
  std::size_t cut = 0;     // bytes of the end that are left out
};

class FakeDns {
 public:
  using tcp = boost::asio::ip::tcp;
  using udp = boost::asio::ip::udp;
  static constexpr unsigned kSrv = 33, kA = 1, kAaaa = 28;

  explicit FakeDns(Core& core) : udp_(core.io()), tcp_(core.io()) {
    bind_both();
    boost::asio::co_spawn(core.io(), serve_udp(), boost::asio::detached);
    boost::asio::co_spawn(core.io(), serve_tcp(), boost::asio::detached);
  }

  // What nobody has told it about does not exist.
  void tell(std::string name, unsigned type, DnsReply reply) { replies_[{std::move(name), type}] = std::move(reply); }
  void has_srv(const std::string& name, std::vector<std::string> records) { tell(name, kSrv, {std::move(records)}); }
  void has_address(const std::string& name, const std::string& address) {
    auto& reply = replies_[{name, address.find(':') == address.npos ? kA : kAaaa}];
    reply.records.push_back(dns_address(name, address));
  }

  std::string server() const { return fmt::format("127.0.0.1:{}", udp_.local_endpoint().port()); }
  Resolver::Options options() const {
    Resolver::Options options;
    options.servers = {server()};
    options.attempts = 1;
    return options;
  }
  // "udp 33 name", in the order they came.
  const std::vector<std::string>& questions() const { return questions_; }

 private:
  // UDP picks the port; TCP takes the same, or both try again.
  void bind_both() {
    const auto loopback = boost::asio::ip::address_v4::loopback();
    for (int i = 0; i < 100; ++i) {
      boost::system::error_code error;
      udp_.open(udp::v4());
      udp_.bind({loopback, 0});
      const tcp::endpoint same{loopback, udp_.local_endpoint().port()};
      tcp_.open(tcp::v4());
      tcp_.bind(same, error);
      if (!error) tcp_.listen(8, error);
      if (!error) return;
      udp_.close();
      tcp_.close();
    }
    ADD_FAILURE() << "no port is free for both UDP and TCP";
  }

  Task<void> serve_udp() {
    std::array<char, 2048> buffer;
    for (;;) {
      udp::endpoint from;
      const auto [error, size] = co_await udp_.async_receive_from(boost::asio::buffer(buffer), from, kAwait);
      if (error) co_return;
      const std::string reply = reply_to({buffer.data(), size}, "udp");
      if (!reply.empty()) co_await udp_.async_send_to(boost::asio::buffer(reply), from, kAwait);
    }
  }

  Task<void> serve_tcp() {
    for (;;) {
      auto [error, socket] = co_await tcp_.async_accept(kAwait);
      if (error) co_return;
      std::array<unsigned char, 2> length;
      const auto [broken, ignored] = co_await boost::asio::async_read(socket, boost::asio::buffer(length), kAwait);
      if (broken) continue;
      std::string question(length[0] * 256u + length[1], '\0');
      const auto [cut, none] = co_await boost::asio::async_read(socket, boost::asio::buffer(question), kAwait);
      if (cut) continue;
      std::string reply = reply_to(question, "tcp");
      reply.insert(0, dns_u16(static_cast<unsigned>(reply.size())));
      co_await boost::asio::async_write(socket, boost::asio::buffer(reply), kAwait);
    }
  }

  std::string reply_to(std::string_view question, const char* over) {
    constexpr std::size_t kHeader = 12;
    std::string name;
    std::size_t at = kHeader;
    while (at < question.size() && question[at] != 0) {
      const auto size = static_cast<unsigned char>(question[at]);
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, size);
      at += 1 + size;
    }
    const unsigned type = static_cast<unsigned char>(question.substr(at + 1)[1]);
    const std::string_view asked = question.substr(kHeader, at + 5 - kHeader);
    questions_.push_back(fmt::format("{} {} {}", over, type, name));

    const auto found = replies_.find({name, type});
    const DnsReply reply = found == replies_.end() ? DnsReply{.code = 3} : found->second;
    if (reply.silent) return {};
    const bool truncated = reply.truncated && std::string_view{over} == "udp";
    const std::size_t count = truncated ? 0 : reply.records.size();
    std::string bytes{question.substr(0, 2)};
    bytes += dns_u16(0x8180u | (truncated ? 0x0200u : 0u) | static_cast<unsigned>(reply.code));
    bytes +=
        dns_u16(1) + dns_u16(static_cast<unsigned>(reply.count < 0 ? count : static_cast<std::size_t>(reply.count)));
    bytes += dns_u16(0) + dns_u16(0);
    bytes += asked;
    for (std::size_t i = 0; i < count; ++i) bytes += reply.records[i];
    bytes.resize(bytes.size() - reply.cut);
    return bytes;
  }

  udp::socket::rebind_executor<Executor>::other udp_;
  boost::asio::basic_socket_acceptor<tcp, Executor> tcp_;
  std::map<std::pair<std::string, unsigned>, DnsReply> replies_;
  std::vector<std::string> questions_;
};

}  // namespace anser::net
