// CRC-32 as in zip, PNG and Ethernet (ISO 3309), for bytes that come in pieces. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace anser::codec {

// `so_far` is what the bytes before gave, 0 at the beginning.
std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes);

}  // namespace anser::codec
