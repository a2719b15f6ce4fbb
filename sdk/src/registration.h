// A server's answer to "what does a new account need?" (XEP-0077 §3.1): fields in the namespace itself, a data form
// (XEP-0004) beside them or instead, or only the way to a website. A value; knows no connection.
//
// The fields are taken where there are any, as Smack does; the form where there are none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anser/element.h"

namespace anser::sdk {

inline constexpr std::string_view kRegisterNs = "jabber:iq:register";

class RegistrationForm {
 public:
  using Values = std::map<std::string, std::string>;

  // Errc::unsupported when the answer holds no such thing.
  static Result<RegistrationForm> read(const std::optional<Element>& query);

  bool can_register() const { return !names().empty(); }
  std::string refusal() const;  // a sentence on why it can't

  const std::string& instructions() const { return instructions_; }
  std::vector<std::string> names() const;  // of the fields that people fill in, in the server's order
  std::string value(std::string_view name) const;

  // The query to send. Of the plain fields all that were asked for, empty where no value was given, and what was given
  // besides. Of a data form what was given, what the form itself proposes, and, empty, what it requires.
  Element filled_in(const Values& values) const;

 private:
  struct Field {
    std::string name, type;
    std::vector<std::string> values;
    bool required = false, hidden = false;
  };

  static constexpr std::size_t kFields = 200;  // of more nobody reads

  void read_form(const Element& form);
  Element filled_in_form(const Values& values) const;

  bool is_form_ = false;
  std::vector<Field> fields_;
  std::string instructions_, url_;
};

}  // namespace anser::sdk
