#include "sdk/src/media_type.h"

#include <algorithm>
#include <string>
#include <utility>

#include "net/http_request.h"

namespace anser::sdk {
namespace {

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {"aac", "audio/aac"},         {"apng", "image/apng"},     {"avif", "image/avif"},       {"csv", "text/csv"},
    {"flac", "audio/flac"},       {"gif", "image/gif"},       {"gz", "application/gzip"},   {"heic", "image/heic"},
    {"jpeg", "image/jpeg"},       {"jpg", "image/jpeg"},      {"json", "application/json"}, {"m4a", "audio/mp4"},
    {"md", "text/markdown"},      {"mkv", "video/matroska"},  {"mov", "video/quicktime"},   {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},         {"oga", "audio/ogg"},       {"ogg", "audio/ogg"},         {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},        {"pdf", "application/pdf"}, {"png", "image/png"},         {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"}, {"txt", "text/plain"},      {"wav", "audio/wav"},         {"webm", "video/webm"},
    {"webp", "image/webp"},       {"zip", "application/zip"},
};

}  // namespace

std::string_view media_type_of(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string ending = net::lower(file_name.substr(dot + 1));
  const auto* found =
      std::ranges::find(kTypes, std::string_view{ending}, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kTypes) ? std::string_view{} : found->second;
}

}  // namespace anser::sdk
