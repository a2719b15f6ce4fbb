// A form that comes in, as steps for whoever can wait for a disk: the reader's events are taken at once, and bytes of
// files stay where they have been read. Fields are kept here, within a limit. No I/O. Used by one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "form/form_reader.h"
#include "upload/request.h"

namespace anser::upload {

// docs/wire/upload.md, Errors, of what the form itself does wrong.
Problem problem_of(const form::FormError& error);

class FormIntake {
 public:
  struct Begin {
    std::string field, name, type;  // name and type are safe to show
  };
  struct Bytes {
    std::string_view get() const { return own.empty() ? view : own; }
    std::string_view view;  // of the input
    std::string own;        // what looked like a boundary's beginning, and has come before
  };
  using Step = std::variant<Begin, Bytes>;                          // bytes are of the file that has begun last
  using Fields = std::vector<std::pair<std::string, std::string>>;  // in order; a name may stand several times

  FormIntake(form::FormReader reader, std::size_t files) : reader_(std::move(reader)), most_files_(files) {}

  // The next of the body, all of it, and whether that was the last; what is to be done for it, while `input` is there.
  // An error is final.
  tl::expected<std::vector<Step>, Problem> take(std::string_view input, bool last);
  const Fields& fields() const { return fields_; }

 private:
  std::optional<Problem> take_event(form::FormReader::Event event, std::string_view input, std::vector<Step>& steps);
  std::optional<Problem> begin_file(std::vector<Step>& steps);

  form::FormReader reader_;
  const std::size_t most_files_;
  std::size_t files_ = 0;
  bool nameless_ = false;  // a file control that was left empty, unless bytes come
  Fields fields_;
  std::size_t names_ = 0;  // bytes of the fields' names
};

}  // namespace anser::upload
