// The limits of zlib on a connection, see zip.h.
#pragma once

#include <cstddef>

namespace anser::net {

struct CompressionLimits {
  static constexpr std::size_t kFirstCredit = 64 * 1024;  // inflated bytes before any were earned

  std::size_t inflated_per_read = 1024 * 1024;  // from one piece of input (16 KB at most)
  unsigned ratio = 100;                         // inflated to compressed
  int level = 6;                                // of what we send, 1 (fast) to 9 (small)
  int window_bits = 12;                         // of what we send, 9 to 15; what we receive may use up to 15
  int memory_level = 5;                         // 1 to 9
};

}  // namespace anser::net
