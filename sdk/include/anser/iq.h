// A question or its answer (RFC 6120 §8.2.3).
#pragma once

#include "anser/stanza.h"

namespace anser::sdk {

class ANSER_API IQ final : public Stanza {
 public:
  enum class Type : std::uint8_t { get, set, result, error };

  explicit IQ(Type type = Type::get) : Stanza(Kind::iq), type_(type) {}
  // The payload is the one extension of a get or set.
  IQ(Type type, const Element& payload, std::string to = {});

  static IQ result_for(const IQ& request);
  static IQ result_for(const IQ& request, const Element& payload);
  static IQ error_for(const IQ& request, StanzaError error);

  Type type() const { return type_; }
  void set_type(Type type) { type_ = type; }
  bool is_request() const { return type_ == Type::get || type_ == Type::set; }

  std::optional<Element> payload() const;  // the first extension

  friend ANSER_API bool operator==(const IQ& a, const IQ& b);

 private:
  friend struct StanzaAccess;
  std::string_view type_attribute() const override;
  void append_children(std::string& out) const override;
  Result<void> check_children() const override;

  Type type_;
};

}  // namespace anser::sdk
