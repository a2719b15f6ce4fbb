// upload_items TYPE [CHARSET]: the items of the form on standard input, whose Content-Type is TYPE, as JSON. Names and
// text are read in CHARSET. For tests/upload, which compares it with commons-fileupload.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "anser/file_upload.h"

namespace sdk = anser::sdk;

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
      continue;
    }
    std::array<char, 8> code{};
    std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned char>(c));
    out += code.data();
  }
  return out + '"';
}

std::string quoted(const std::optional<std::string>& text) { return text ? quoted(std::string_view{*text}) : "null"; }

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 0xF];
  }
  return out;
}

void print_items(sdk::DiskFileUpload& upload, sdk::RequestContext& request, const std::string& charset) {
  for (const sdk::FileItem& item : upload.parse_request(request)) {
    const std::optional<std::string> name = item.name();  // may be refused: before anything is printed
    std::cout << "{\"field\": " << quoted(std::string_view{item.field_name()}) << ", \"file\": " << quoted(name)
              << ", \"type\": " << quoted(item.content_type()) << ", \"size\": " << item.size() << ", \"text\": "
              << quoted(std::string_view{charset.empty() ? item.get_string() : item.get_string(charset)})
              << ", \"bytes\": \"" << hex(item.get()) << "\"}\n";
  }
}

// What each item has, read piece by piece.
void print_sizes(sdk::DiskFileUpload& upload, sdk::RequestContext& request) {
  // [stream]
  sdk::FileItemIterator items = upload.item_iterator(request);
  while (items.has_next()) {
    sdk::FileItemStream item = items.next();
    std::array<char, 64 * 1024> buffer;
    std::uint64_t size = 0;
    while (const std::size_t count = item.read(buffer)) size += count;
    std::cout << item.field_name() << ' ' << item.name().value_or("-") << ' ' << size << '\n';
  }
  // [/stream]
}

}  // namespace

int main(int count, char** arguments) {
  const std::string type = count > 1 ? arguments[1] : "";
  const std::string charset = count > 2 ? arguments[2] : "";
  sdk::StreamRequestContext request{std::cin, type};
  sdk::DiskFileUpload upload;
  try {
    if (charset == "--sizes") {
      print_sizes(upload, request);
    } else {
      upload.set_header_encoding(charset);
      print_items(upload, request, charset);
    }
  } catch (const sdk::FileUploadException& e) {
    std::cout << "{\"error\": " << quoted(std::string_view{e.what()}) << "}\n";
  }
}
