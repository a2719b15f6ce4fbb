#include "sdk/src/registration.h"

#include <algorithm>

#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kFormNs = "jabber:x:data";
constexpr std::string_view kUrlNs = "jabber:x:oob";

// Not for people: the account exists, it is to be removed, and the transaction key of old times (§7), sent back.
bool is_state(std::string_view name) { return name == "registered" || name == "remove"; }
bool is_key(std::string_view name) { return name == "key"; }

Element field_of(std::string_view name, const std::vector<std::string>& values) {
  Element field{"field", kFormNs};
  field.set_attribute("var", name);
  for (const auto& value : values) field.add_child("value", value);
  return field;
}

}  // namespace

Result<RegistrationForm> RegistrationForm::read(const std::optional<Element>& query) {
  if (!query || !query->is("query", kRegisterNs))
    return fail(Errc::unsupported, "the server's answer says nothing about registration");
  RegistrationForm form;
  for (const auto& child : query->children()) {
    const std::string name{child.name()};
    if (child.ns() != kRegisterNs) continue;
    if (name == "instructions") {
      form.instructions_ = child.text();
    } else if (!is_state(name) && form.fields_.size() < kFields) {
      form.fields_.push_back({name, {}, {child.text()}, true, is_key(name)});
    }
  }
  const bool has_fields = std::any_of(form.fields_.begin(), form.fields_.end(), [](auto& f) { return !f.hidden; });
  if (const Element data = query->child("x", kFormNs); !has_fields && query->has_child("x", kFormNs))
    form.read_form(data);
  form.url_ = query->child("x", kUrlNs).child_text("url");
  return form;
}

void RegistrationForm::read_form(const Element& form) {
  is_form_ = true;
  fields_.clear();
  if (instructions_.empty()) instructions_ = form.child_text("instructions");
  for (const auto& child : form.children()) {
    if (!child.is("field", kFormNs) || !child.has_attribute("var") || child.attribute("type") == "fixed") continue;
    if (fields_.size() >= kFields) return;
    Field field{std::string{child.attribute("var")}, std::string{child.attribute("type")}, {}, false, false};
    field.required = child.has_child("required", kFormNs);
    field.hidden = field.type == "hidden" || field.name == "FORM_TYPE";
    for (const auto& value : child.children()) {
      if (value.is("value", kFormNs)) field.values.push_back(value.text());
    }
    fields_.push_back(std::move(field));
  }
}

std::string RegistrationForm::refusal() const {
  if (!url_.empty()) return "the server makes accounts elsewhere: " + url_;
  if (!instructions_.empty()) return "the server makes no accounts here: " + instructions_;
  return "the server makes no accounts here";
}

std::vector<std::string> RegistrationForm::names() const {
  std::vector<std::string> names;
  for (const auto& field : fields_) {
    if (!field.hidden) names.push_back(field.name);
  }
  return names;
}

std::string RegistrationForm::value(std::string_view name) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  return found == fields_.end() || found->values.empty() ? std::string{} : found->values.front();
}

Element RegistrationForm::filled_in(const Values& values) const {
  if (is_form_) return filled_in_form(values);
  Values all = values;
  for (const auto& field : fields_) all.try_emplace(field.name, field.hidden ? value(field.name) : std::string{});
  Element query{"query", kRegisterNs};
  for (const auto& [name, value] : all) query.add_child(name, value);
  return query;
}

Element RegistrationForm::filled_in_form(const Values& values) const {
  Element form{"x", kFormNs};
  form.set_attribute("type", "submit");
  for (const auto& field : fields_) {
    const auto given = values.find(field.name);
    if (given != values.end() && !field.hidden) {
      form.add_child(field_of(field.name, {given->second}));
    } else if (!field.values.empty()) {
      form.add_child(field_of(field.name, field.values));
    } else if (field.required) {
      form.add_child(field_of(field.name, {""}));
    }
  }
  Element query{"query", kRegisterNs};
  query.add_child(std::move(form));
  return query;
}

}  // namespace anser::sdk
