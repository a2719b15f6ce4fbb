// A part's header, the parameters of a type and a file's name: no crash, what comes out is UTF-8 and no longer than it
// can be, and a name that is safe stays as it is. The first byte chooses the charset that names are in.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "codec/charset.h"
#include "codec/file_name.h"
#include "codec/part_header.h"

namespace {

using namespace anser::codec;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "complaint: %s\n", what);
  std::abort();
}

void check_safe(std::string_view name) {
  const std::string safe = safe_file_name(name);
  require(anser::is_utf8(safe), "a safe name is no UTF-8");
  require(!safe.empty() && safe.size() <= kMaxFileName, "a safe name has a wrong length");
  require(safe.find_first_of("/\\:\r\n") == safe.npos && safe != "." && safe != "..", "a safe name is not safe");
  require(safe_file_name(safe) == safe, "a safe name is made safer");
}

void check_header(std::string_view block, std::string_view charset, bool inside_mixed) {
  const auto header = parse_part_header(block, charset, inside_mixed);
  if (!header) return;
  require(anser::is_utf8(header->name), "a name is no UTF-8");
  require(header->name.size() <= 3 * block.size(), "a name has grown");
  require(header->mixed.size() <= 70, "a boundary is too long");
  if (!header->file_name) return;
  require(anser::is_utf8(*header->file_name), "a file's name is no UTF-8");
  require(content_disposition("attachment", *header->file_name).find_first_of("\r\n") == std::string::npos,
          "a line end in a header that we write");
  check_safe(*header->file_name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::string_view, 8> kCharsets{"",       "gbk",          "big5",    "shift_jis",
                                                             "euc-kr", "windows-1252", "no-such", "utf-8"};
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  const auto choice = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  const std::string_view charset = kCharsets[choice % kCharsets.size()];
  check_header(bytes, charset, (choice & 8) != 0);
  check_safe(bytes);
  if (const auto text = to_utf8(bytes, charset)) require(anser::is_utf8(*text), "a text is no UTF-8");
  require(is_charset(bytes) == to_utf8("", bytes).has_value(), "a charset that is one and is none");
  if (const auto read = parse_parameters(bytes)) require(!read->value.empty(), "a value that is empty");
  return 0;
}
