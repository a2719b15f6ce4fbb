#include "codec/crc32.h"

#include <zlib.h>

namespace anser::codec {

std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes) {
  if (bytes.empty()) return so_far;  // zlib begins anew for a null pointer
  return static_cast<std::uint32_t>(::crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace anser::codec
