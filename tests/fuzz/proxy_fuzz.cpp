// A proxy that is a stranger. The first octet picks its kind and whether we have a login for it; the rest is what it
// says. In one piece or byte by byte comes to the same, no byte is taken once the tunnel is open, and no error betrays
// the password.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "net/http_connect.h"
#include "net/tunnel.h"

namespace {

using namespace anser;

net::Proxy proxy_of(std::uint8_t choice) {
  net::Proxy proxy{.kind = choice % 2 ? net::Proxy::Kind::http_connect : net::Proxy::Kind::socks5,
                   .host = "proxy.example",
                   .port = 1080};
  if (choice / 2 % 2) {
    proxy.username = "romeo";
    proxy.password = "wherefore";
  }
  return proxy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view said{reinterpret_cast<const char*>(data + 1), size - 1};
  const net::Proxy proxy = proxy_of(data[0]);
  auto whole = net::make_tunnel(proxy, "talk.example.org", 5222);
  auto bytewise = net::make_tunnel(proxy, "talk.example.org", 5222);
  ANSER_ASSERT(whole && bytewise);

  const auto taken = (*whole)->feed(said);
  std::size_t one_by_one = 0;
  for (const char& byte : said) {
    const auto one = (*bytewise)->feed({&byte, 1});
    if (!one) {
      ANSER_ASSERT(!taken && taken.error() == one.error());
      ANSER_ASSERT(one.error().message.find("wherefore") == std::string::npos);
      return 0;
    }
    one_by_one += *one;
  }
  ANSER_ASSERT(taken && *taken == one_by_one);
  ANSER_ASSERT((*whole)->open() == (*bytewise)->open());
  ANSER_ASSERT((*whole)->open() || *taken == said.size());
  ANSER_ASSERT(*taken <= net::kLongestHttpHeader);
  ANSER_ASSERT((*whole)->take_output() == (*bytewise)->take_output());
  return 0;
}
