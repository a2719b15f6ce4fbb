// Speaks as a proxy to a Tunnel. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/tunnel.h"

namespace anser::net {

inline std::unique_ptr<Tunnel> tunnel_to(const Proxy& proxy, std::string_view host = "talk.example.org",
                                         std::uint16_t port = 5222) {
  auto tunnel = make_tunnel(proxy, host, port);
  EXPECT_TRUE(tunnel) << tunnel.error().message;
  return std::move(*tunnel);
}

// What feeding all of it at once came to; fed byte by byte, an equal one has to come to the same.
inline Result<std::size_t> feed(Tunnel& tunnel, std::string_view bytes, Tunnel* equal = nullptr) {
  const auto taken = tunnel.feed(bytes);
  if (!equal) return taken;
  std::size_t one_by_one = 0;
  for (const char& byte : bytes) {
    const auto one = equal->feed({&byte, 1});
    EXPECT_TRUE(one || !taken);
    if (!one) {
      EXPECT_EQ(one.error(), taken.error());
      return taken;
    }
    one_by_one += *one;
  }
  EXPECT_EQ(taken, one_by_one);
  EXPECT_EQ(tunnel.open(), equal->open());
  return taken;
}

}  // namespace anser::net
