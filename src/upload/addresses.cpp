#include "upload/addresses.h"

#include <algorithm>

#include "upload/vault.h"

namespace anser::upload {
namespace {

constexpr std::size_t kMaxWord = 64;  // characters of an id or a key

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWord && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

// Behind the path's first part.
std::string_view behind(std::string_view path, std::string_view first) {
  return path.starts_with(first) ? path.substr(first.size()) : std::string_view{};
}

}  // namespace

std::string file_id_in(std::string_view path) {
  const auto rest = behind(path, "/files/");
  const auto id = rest.substr(0, rest.find('/'));
  return is_word(id) ? std::string{id} : "";
}

Removal removal_in(std::string_view path) {
  const auto rest = behind(path, "/delete/");
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return {};
  const auto id = rest.substr(0, slash), key = rest.substr(slash + 1);
  if (!is_word(id) || !is_word(key)) return {};
  return {std::string{id}, std::string{key}};
}

net::Task<Result<domain::FileRecord>> find_file(Shared& shared, std::string id) {
  if (id.empty()) co_return fail(Errc::not_found, "there is no such file");
  auto finding = shared.vault.find(std::move(id));
  auto found = co_await std::move(finding);
  if (!found) co_return pass(found);
  if (!*found) co_return fail(Errc::not_found, "there is no such file, or it has ended");
  co_return std::move(**found);
}

}  // namespace anser::upload
