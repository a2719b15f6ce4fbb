#include "anser/iq.h"

#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

IQ answer_to(const IQ& request, IQ::Type type) {
  IQ answer{type};
  answer.set_id(request.id());
  answer.set_to(request.from());
  answer.set_from(request.to());
  return answer;
}

}  // namespace

IQ::IQ(Type type, const Element& payload, std::string to) : IQ(type) {
  set_to(std::move(to));
  add_extension(payload);
}

IQ IQ::result_for(const IQ& request) { return answer_to(request, Type::result); }

IQ IQ::result_for(const IQ& request, const Element& payload) {
  IQ answer = result_for(request);
  answer.add_extension(payload);
  return answer;
}

IQ IQ::error_for(const IQ& request, StanzaError error) {
  IQ answer = answer_to(request, Type::error);
  answer.set_error(std::move(error));
  return answer;
}

std::optional<Element> IQ::payload() const {
  if (raw_extensions().empty()) return std::nullopt;
  const Extension& first = raw_extensions().front();
  return extension(first.name, first.ns);
}

bool operator==(const IQ& a, const IQ& b) { return a.equals(b) && a.type_ == b.type_; }

std::string_view IQ::type_attribute() const {
  switch (type_) {
    case Type::get:
      break;
    case Type::set:
      return "set";
    case Type::result:
      return "result";
    case Type::error:
      return "error";
  }
  return "get";
}

void IQ::append_children(std::string&) const {}

// RFC 6120 §8.2.3.
Result<void> IQ::check_children() const {
  if (is_request() && raw_extensions().size() != 1) {
    return fail(Errc::invalid_argument, "a get or set has exactly one payload");
  }
  if (type_ == Type::result && raw_extensions().size() > 1) {
    return fail(Errc::invalid_argument, "a result has one payload at most");
  }
  return {};
}

}  // namespace anser::sdk
