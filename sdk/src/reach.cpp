#include "sdk/src/reach.h"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "anser/address.h"
#include "codec/idna.h"
#include "net/dial.h"
#include "net/host.h"
#include "net/workers.h"

namespace anser::sdk {
namespace {

// The application's factory may block, so it runs on the worker.
net::Task<anser::Result<net::File>> make_socket(net::Workers& workers, SocketFactory factory, std::string host,
                                                std::uint16_t port) {
  auto work = [factory = std::move(factory), host = std::move(host), port]() -> anser::Result<net::File> {
    try {
      auto made = factory(host, port);
      if (!made) return anser::fail(anser::Errc::io, "the socket factory: {}", made.error().message);
      return net::File{*made};
    } catch (const std::exception& thrown) {
      return anser::fail(anser::Errc::io, "the socket factory threw: {}", thrown.what());
    } catch (...) {
      return anser::fail(anser::Errc::io, "the socket factory threw");
    }
  };
  auto working = net::run_on(workers, std::move(work));
  auto made = co_await std::move(working);
  co_return made;
}

net::DialOptions options_of(LoopState& loop, const ConnectionConfiguration& configuration) {
  net::DialOptions options;
  options.limit = configuration.limits.connect;
  if (configuration.proxy) {
    const Proxy& proxy = *configuration.proxy;
    options.proxy =
        net::Proxy{proxy.type == Proxy::Type::socks5 ? net::Proxy::Kind::socks5 : net::Proxy::Kind::http_connect,
                   proxy.host, proxy.port, proxy.username, proxy.password};
  }
  if (configuration.socket_factory) {
    options.factory = [&loop, factory = configuration.socket_factory](std::string host, std::uint16_t port) {
      return make_socket(loop.workers(), factory, std::move(host), port);
    };
  }
  return options;
}

anser::Result<net::TlsClientOptions::StoreType> store_type(const std::string& path, const std::string& type) {
  using Type = net::TlsClientOptions::StoreType;
  if (type == "PEM" || type == "pem") return Type::pem;
  if (type == "PKCS12" || type == "pkcs12") return Type::pkcs12;
  if (!type.empty()) return anser::fail(anser::Errc::invalid_config, "\"{}\" is no type of a trust store", type);
  // A PKCS#12 file begins with an ASN.1 sequence.
  std::ifstream file{path, std::ios::binary};
  return file.get() == 0x30 ? Type::pkcs12 : Type::pem;
}

Result<net::CertificateHash> hash_of(std::string_view hex) {
  net::CertificateHash hash{};
  std::size_t digits = 0;
  for (const char c : hex) {
    if (c == ':' || c == ' ') continue;
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0 || digits >= 2 * hash.size())
      return fail(Errc::invalid_argument, "\"{}\" is no SHA-256 digest in hex", hex);
    hash[digits / 2] = static_cast<std::uint8_t>(hash[digits / 2] << 4 | value);
    ++digits;
  }
  if (digits != 2 * hash.size()) return fail(Errc::invalid_argument, "\"{}\" is no SHA-256 digest in hex", hex);
  return hash;
}

}  // namespace

anser::Result<std::string> dns_name(const std::string& host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  if (host.find(':') != std::string::npos || net::is_host_name(host)) return host;
  return codec::to_a_labels(host);
}

net::Task<Result<Opened>> reach(LoopState& loop, const ConnectionConfiguration& configuration, std::string service,
                                std::optional<Reached> elsewhere, std::chrono::steady_clock::time_point until) {
  net::Resolver::Options names;
  names.servers = configuration.dns_servers;
  names.limit = configuration.limits.connect;
  net::Resolver resolver{loop.core(), std::move(names)};

  const auto domain = dns_name(service);
  if (!domain) co_return Result<Opened>{pass_as(Errc::invalid_argument, domain.error())};
  net::ServiceWish wish;
  wish.domain = *domain;
  wish.direct_tls = configuration.security != SecurityMode::disabled;
  if (elsewhere) {
    wish.host = elsewhere->host;
    wish.port = elsewhere->port;
    wish.direct_tls = elsewhere->direct_tls;
  } else if (!configuration.host.empty()) {
    const auto host = dns_name(configuration.host);
    if (!host) co_return Result<Opened>{pass_as(Errc::invalid_argument, host.error())};
    wish.host = *host;
    wish.port = configuration.port;
    wish.direct_tls = configuration.direct_tls;
  }
  auto finding = net::find_endpoints(resolver, net::kXmppClient, std::move(wish), until);
  auto endpoints = co_await std::move(finding);
  if (!endpoints) co_return Result<Opened>{pass_as(Errc::unreachable, endpoints.error())};

  auto dialling = net::dial(resolver, std::move(*endpoints), options_of(loop, configuration));
  auto dialled = co_await std::move(dialling);
  if (!dialled) co_return Result<Opened>{pass_as(Errc::unreachable, dialled.error())};
  Opened opened;
  opened.socket = net::Handed{std::move(dialled->socket), dialled->peer};
  opened.where = {dialled->endpoint.host, dialled->endpoint.port, dialled->endpoint.direct_tls};
  co_return Result<Opened>{std::move(opened)};
}

Result<std::shared_ptr<const net::TlsClient>> tls_client(const TlsConfiguration& tls, std::string alpn) {
  net::TlsClientOptions options;
  options.verify = tls.verify;
  if (!tls.truststore_path.empty()) {
    const auto type = store_type(tls.truststore_path, tls.truststore_type);
    if (!type) return pass_as(Errc::invalid_argument, type.error());
    options.trust_store = {tls.truststore_path, *type, tls.truststore_password};
  }
  options.trusted_pem = tls.truststore_pem;
  for (const std::string& digest : tls.pinned) {
    const auto hash = hash_of(digest);
    if (!hash) return pass(hash);
    options.pinned.push_back(*hash);
  }
  if (!tls.pkcs11_library.empty()) {
    net::TlsClientOptions::Pkcs11Identity identity{tls.pkcs11_library};
    if (!tls.pkcs11_pin.empty()) identity.pin = tls.pkcs11_pin;
    identity.certificate = tls.pkcs11_certificate;
    identity.key = tls.pkcs11_key;
    options.identity = std::move(identity);
  } else if (!tls.pkcs12_path.empty()) {
    options.identity = net::TlsClientOptions::Pkcs12Identity{tls.pkcs12_path, tls.pkcs12_password};
  } else if (!tls.certificate_path.empty()) {
    options.identity = net::TlsClientOptions::PemIdentity{
        tls.certificate_path, tls.key_path.empty() ? tls.certificate_path : tls.key_path, tls.key_password};
  }
  options.alpn = {std::move(alpn)};
  auto made = net::TlsClient::make(options);
  if (!made) return pass_as(Errc::invalid_argument, made.error());
  return std::move(*made);
}

}  // namespace anser::sdk
