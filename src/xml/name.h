// An expanded name (Namespaces in XML 1.0) as the code compares it, and the namespaces that everybody needs.
#pragma once

#include <string_view>

namespace anser::xml {

// Points at storage that outlives it, usually a literal: constexpr Name kTime{"urn:xmpp:time", "time"};
struct Name {
  std::string_view ns;
  std::string_view local;

  friend constexpr bool operator==(const Name&, const Name&) = default;
};

inline constexpr std::string_view kClientNs = "jabber:client";
inline constexpr std::string_view kStreamsNs = "http://etherx.jabber.org/streams";
inline constexpr std::string_view kFramingNs = "urn:ietf:params:xml:ns:xmpp-framing";  // RFC 7395
inline constexpr std::string_view kXmlNs = "http://www.w3.org/XML/1998/namespace";     // bound to `xml`, always
inline constexpr std::string_view kXmlnsNs = "http://www.w3.org/2000/xmlns/";          // bound to nothing, ever

}  // namespace anser::xml
