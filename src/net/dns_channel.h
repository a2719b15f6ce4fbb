// One conversation with the DNS servers, for Resolver only: a channel of c-ares, the sockets it opened, the questions
// asked. It lives in a coroutine's frame. Goes it, then c-ares closes its sockets and forgets the questions.
#pragma once

#include <ares.h>

#include <deque>
#include <optional>
#include <string>

#include "net/resolver.h"
#include "net/wait_set.h"

namespace anser::net {

class DnsChannel {
 public:
  static constexpr int kSrv = 33, kA = 1, kAaaa = 28;  // types of RFC 1035, 2782, 3596

  struct Answer {
    std::optional<int> status;  // c-ares'; none: still waiting
    std::string message;
  };

  explicit DnsChannel(Core& core) : waits_(core) {}
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  Result<void> open(const Resolver::Options& options);
  // The answer stays where it is as long as the channel; it may be there at once.
  const Answer& ask(const std::string& name, int type);
  // The addresses of one family in /etc/hosts.
  std::vector<boost::asio::ip::address> in_hosts_file(const std::string& name, int family);
  // Lets c-ares work until something has come in or is overdue, or `until` has passed.
  Task<Result<void>> work(Moment until);

 private:
  static void socket_wants(void* self, ares_socket_t socket, int read, int write);
  static void answered(void* answer, int status, int timeouts, unsigned char* message, int size);

  Result<void> set_servers(const std::vector<std::string>& servers);

  WaitSet waits_;
  std::deque<Answer> answers_;
  ares_channel channel_ = nullptr;  // calls back into what stands above until it is destroyed
};

}  // namespace anser::net
