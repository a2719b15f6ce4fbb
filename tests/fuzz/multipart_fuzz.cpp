// Bodies of forms from strangers, with the boundary "b". The first octet says how the rest is cut and how small the
// limits are, the second seeds the cuts. Whole or in pieces it gives the same events, and the same parts as a slow
// reader finds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "tests/support/multipart_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace anser::codec;
  if (size < 2) return 0;
  const std::string_view body{reinterpret_cast<const char*>(data + 2), size - 2};
  const bool small = (data[0] & 128) != 0;
  const MultipartReader::Limits limits{
      .part_header_bytes = small ? 64u : 4096u, .parts = small ? 3u : 1000u, .around_bytes = small ? 8u : 1u << 20};
  const MultipartReader reader{"b", limits};

  const SeenBody whole = read_multipart_in_steps(reader, body, size);
  ANSER_ASSERT(read_multipart_in_steps(reader, body, 1) == whole);
  ANSER_ASSERT(read_multipart_in_steps(reader, body, 1 + data[0] % 128) == whole);
  std::uint32_t state = data[1] + 1u;
  ANSER_ASSERT(read_multipart(reader, body, [&](std::size_t) {
                 state = state * 1'664'525 + 1'013'904'223;
                 return (state >> 24) % 13;
               }) == whole);

  const SlowMultipart slow{body, "b", limits};
  ANSER_ASSERT(slow.complete() == whole.complete);
  ANSER_ASSERT(slow.parts() == whole.ended());
  return 0;
}
