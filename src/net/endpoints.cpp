#include "net/endpoints.h"

#include <utility>

#include "net/host.h"

namespace anser::net {
namespace {

std::vector<Endpoint> only(std::string host, std::uint16_t port, bool direct_tls) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {Endpoint{std::move(host), port, direct_tls}};
}

bool can_be_reached(const std::string& host) { return !address_bytes(host).empty() || is_host_name(host); }

// Nothing was declined, and there is nothing: the domain itself may serve.
Result<std::vector<Endpoint>> choose(const Result<SrvAnswer>& direct_tls, const Result<SrvAnswer>& starttls,
                                     const ServiceKind& kind, const std::string& domain) {
  auto found = merged(direct_tls ? direct_tls->records : std::vector<SrvRecord>{},
                      starttls ? starttls->records : std::vector<SrvRecord>{});
  if (!found.empty()) return found;
  if ((direct_tls && direct_tls->declined) || (starttls && starttls->declined)) {
    return fail(Errc::unavailable, "{} says in the DNS that it does not offer this service", domain);
  }
  return only(domain, kind.port, false);
}

}  // namespace

std::vector<Endpoint> merged(const std::vector<SrvRecord>& direct_tls, const std::vector<SrvRecord>& starttls) {
  std::vector<Endpoint> all;
  auto direct = direct_tls.begin();
  auto plain = starttls.begin();
  while (direct != direct_tls.end() || plain != starttls.end()) {
    const bool take_direct =
        direct != direct_tls.end() && (plain == starttls.end() || direct->priority <= plain->priority);
    const SrvRecord& next = take_direct ? *direct++ : *plain++;
    all.push_back({next.target, next.port, take_direct});
  }
  return all;
}

Task<Result<std::vector<Endpoint>>> find_endpoints(Resolver& resolver, ServiceKind kind, ServiceWish wish,
                                                   Moment deadline) {
  const bool explicit_place = !wish.host.empty() || wish.port != 0;
  const std::string& host = wish.host.empty() ? wish.domain : wish.host;
  const std::uint16_t port = wish.port != 0 ? wish.port : kind.port;
  if (!can_be_reached(host)) co_return fail(Errc::bad_request, "'{}' is not the name of a host", host);
  if (explicit_place) co_return only(host, port, wish.direct_tls);
  if (!address_bytes(wish.domain).empty()) co_return only(host, port, false);

  std::vector<std::string> names{kind.starttls + wish.domain};
  if (wish.direct_tls) names.push_back(kind.direct_tls + wish.domain);
  auto answers = co_await resolver.srv(std::move(names), deadline);
  if (!answers && answers.error().code == Errc::bad_request) co_return only(host, port, false);  // too long for SRV
  if (!answers) co_return pass(answers);
  const Result<SrvAnswer> none{SrvAnswer{}};
  co_return choose(wish.direct_tls ? (*answers)[1] : none, (*answers)[0], kind, wish.domain);
}

}  // namespace anser::net
