#include "codec/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <string>
#include <vector>

namespace anser::codec {
namespace {

namespace json = boost::json;

// Only looks at the names: Boost's own parser takes the last of two without a word.
struct NamesOnce {
  static constexpr std::size_t max_object_size = -1, max_array_size = -1, max_key_size = -1, max_string_size = -1;
  using Failure = boost::system::error_code;

  bool on_document_begin(Failure&) { return true; }
  bool on_document_end(Failure&) { return true; }
  bool on_object_begin(Failure&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Failure& failure) {
    auto& names = open.back();
    std::sort(names.begin(), names.end());
    twice = std::adjacent_find(names.begin(), names.end()) != names.end();
    open.pop_back();
    if (twice) failure = json::error::exception;
    return !twice;
  }
  bool on_array_begin(Failure&) { return true; }
  bool on_array_end(std::size_t, Failure&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, Failure&) {
    name.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Failure&) {
    name.append(part.data(), part.size());
    open.back().push_back(std::exchange(name, {}));
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, Failure&) { return true; }
  bool on_string(json::string_view, std::size_t, Failure&) { return true; }
  bool on_number_part(json::string_view, Failure&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Failure&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Failure&) { return true; }
  bool on_double(double, json::string_view, Failure&) { return true; }
  bool on_bool(bool, Failure&) { return true; }
  bool on_null(Failure&) { return true; }
  bool on_comment_part(json::string_view, Failure&) { return true; }
  bool on_comment(json::string_view, Failure&) { return true; }

  std::vector<std::vector<std::string>> open;  // the names of each object that we are in
  std::string name;
  bool twice = false;
};

}  // namespace

Result<json::object> parse_json_object(std::string_view text, std::size_t depth) {
  json::parse_options options;
  options.max_depth = depth;
  boost::system::error_code failure;
  json::basic_parser<NamesOnce> names{options};
  const std::size_t read = names.write_some(false, text.data(), text.size(), failure);
  if (names.handler().twice) return fail(Errc::bad_request, "a name stands twice in one object");
  if (!failure && read == text.size()) {
    auto value = json::parse(json::string_view{text.data(), text.size()}, failure, {}, options);
    if (!failure && value.is_object()) return std::move(value.as_object());
    if (!failure) return fail(Errc::bad_request, "this is JSON, but no object");
  }
  return failure == json::error::too_deep ? fail(Errc::bad_request, "the JSON is deeper than {}", depth)
                                          : fail(Errc::bad_request, "this is no JSON");
}

}  // namespace anser::codec
