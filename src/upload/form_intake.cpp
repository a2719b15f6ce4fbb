#include "upload/form_intake.h"

#include "base/utf8.h"
#include "codec/charset.h"
#include "codec/file_name.h"
#include "upload/media_type.h"

namespace anser::upload {
namespace {

using Event = form::FormReader::Event;
using Kind = form::FormError::Kind;

constexpr std::size_t kFieldNames = 256 * 1024;  // bytes of all names together: they are kept, too

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// As its part says; else what is valid UTF-8 is UTF-8, and the rest of the form's charset.
std::string text_of(const std::string& bytes, const form::FormReader& reader) {
  if (reader.item().charset.empty() && is_utf8(bytes)) return bytes;
  if (auto text = codec::to_utf8(bytes, reader.charset_of_item())) return std::move(*text);
  return codec::to_utf8(bytes, "utf-8").value_or("");
}

// Neighbours become one.
void append(std::vector<FormIntake::Step>& steps, std::string_view data, std::string_view input) {
  const bool stays =
      std::greater_equal<>{}(data.data(), input.data()) && std::less<>{}(data.data(), input.data() + input.size());
  auto* before = steps.empty() ? nullptr : std::get_if<FormIntake::Bytes>(&steps.back());
  if (before && stays && before->view.data() + before->view.size() == data.data())
    before->view = {before->view.data(), before->view.size() + data.size()};
  else if (before && !stays && !before->own.empty())
    before->own += data;
  else
    steps.emplace_back(
        FormIntake::Bytes{stays ? data : std::string_view{}, std::string{stays ? std::string_view{} : data}});
}

}  // namespace

Problem problem_of(const form::FormError& error) {
  Problem problem{.status = 413, .detail = error.message};
  switch (error.kind) {
    case Kind::content_type:
      return {.status = 415, .code = "type", .detail = error.message};
    case Kind::boundary:
    case Kind::malformed:
      return {.status = 400, .code = "malformed", .detail = error.message};
    case Kind::io:
      return {.status = 503, .code = "unavailable", .detail = "the form could not be read"};
    case Kind::request_size:
    case Kind::field_size:
      problem.code = "form-too-large";
      break;
    case Kind::file_size:
      problem.code = "file-too-large";
      break;
    case Kind::count:
      problem.code = "too-many-files";
      break;
    case Kind::part_header_size:
      problem.code = "header-too-large";
      break;
  }
  problem.permitted = error.permitted;
  problem.actual = error.actual;
  return problem;
}

tl::expected<std::vector<FormIntake::Step>, Problem> FormIntake::take(std::string_view input, bool last) {
  std::vector<Step> steps;
  std::string_view rest = input;
  for (bool finishing = false;;) {
    const Event event = finishing ? reader_.finish() : reader_.next(rest);
    if (event == Event::need_more || (event == Event::end && (finishing || rest.empty()))) {
      if (!last || event == Event::end) return steps;
      if (std::exchange(finishing, true))  // it must decide now
        return tl::make_unexpected(Problem{.status = 400, .code = "malformed", .detail = "the form has no end"});
      continue;
    }
    if (auto wrong = take_event(event, input, steps)) return tl::make_unexpected(std::move(*wrong));
  }
}

std::optional<Problem> FormIntake::take_event(Event event, std::string_view input, std::vector<Step>& steps) {
  switch (event) {
    case Event::error:
      return problem_of(reader_.error());
    case Event::item: {
      if (!reader_.is_form_field()) {
        nameless_ = is_blank(*reader_.item().file_name);
        return nameless_ ? std::nullopt : begin_file(steps);
      }
      names_ += reader_.item().name.size();
      if (names_ > kFieldNames)
        return Problem{.status = 413,
                       .code = "form-too-large",
                       .detail = "the names of the form's fields are too long",
                       .permitted = kFieldNames,
                       .actual = names_};
      fields_.emplace_back(reader_.item().name, "");
      return std::nullopt;
    }
    case Event::data: {
      if (reader_.is_form_field()) {
        fields_.back().second.append(reader_.data());
        return std::nullopt;
      }
      if (std::exchange(nameless_, false)) {
        if (auto wrong = begin_file(steps)) return wrong;
      }
      append(steps, reader_.data(), input);
      return std::nullopt;
    }
    case Event::item_end:
      if (reader_.is_form_field()) fields_.back().second = text_of(fields_.back().second, reader_);
      nameless_ = false;
      return std::nullopt;
    case Event::need_more:
    case Event::end:
      break;
  }
  return std::nullopt;
}

std::optional<Problem> FormIntake::begin_file(std::vector<Step>& steps) {
  if (++files_ > most_files_)
    return Problem{.status = 413,
                   .code = "too-many-files",
                   .detail = "the form has more files than a form may have",
                   .permitted = most_files_,
                   .actual = files_};
  const auto& item = reader_.item();
  steps.emplace_back(
      Begin{item.name, codec::safe_file_name(item.file_name.value_or("")), declared_type(item.content_type)});
  return std::nullopt;
}

}  // namespace anser::upload
