// A protocol feature: one file in features/, one line in features.def. It says what it is (XEP, what service discovery
// shows), which iq requests it answers, and nothing else; the stream answers what nobody answers.
//
// Handlers run on the core of the account (or of the session, for a host). Up to its first co_await a handler runs in
// the order of the stream, so what it changes in the actor is changed at once; account and session pointers hold only
// until then. What it returns is sent as the result; an Error as the stanza error of errors.cpp's table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/router.h"
#include "net/task.h"
#include "xml/element.h"
#include "xmpp/services.h"

namespace anser::xmpp {

// To whom the request is addressed.
enum class Scope : std::uint8_t {
  host = 1,     // a domain of ours
  own = 2,      // the sender's own account, or no address at all
  account = 4,  // somebody else's bare address
};
constexpr Scope operator|(Scope a, Scope b) {
  return static_cast<Scope>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool covers(Scope all, Scope one) { return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0; }

struct Iq {
  domain::Envelope envelope;  // from, to, id, lang
  xml::Element payload;
  Scope scope = Scope::host;
  core::Jid target;                    // the host, or the account's bare address, at its real name
  domain::Account* account = nullptr;  // null for a host
  domain::Session* session = nullptr;  // the sender's, with scope own or host
};

// Nothing: an empty result. What refusal() makes: an error.
using Reply = Result<std::optional<xml::Element>>;
// A stanza error that says more than errors.cpp's table knows: its type, its condition, an application's own.
xml::Element refusal(std::string_view type, std::string_view condition, std::string_view text, xml::Element extra);
using IqHandler = std::function<net::Task<Reply>(Iq)>;

struct FeatureInfo {
  int xep = 0;  // 0: an RFC, named in `title`
  std::string_view version = {};
  std::string_view title = {};
  std::vector<std::string_view> disco = {};          // what a host shows (XEP-0030)
  std::vector<std::string_view> disco_account = {};  // what an account shows
  std::string_view stream = {};                      // a stream feature after login, written already
  std::vector<xml::Element> about = {};              // more that a host says: identities, forms (XEP-0128)
};

class Feature {
 public:
  Feature(FeatureInfo about) : info(std::move(about)) {}

  void on_iq_get(xml::Name name, IqHandler handler, Scope scope = Scope::host | Scope::own) {
    add(domain::Type::get, name, scope, std::move(handler));
  }
  void on_iq_set(xml::Name name, IqHandler handler, Scope scope = Scope::host | Scope::own) {
    add(domain::Type::set, name, scope, std::move(handler));
  }

  struct Entry {
    domain::Type type;
    xml::Name name;
    Scope scope;
    IqHandler handler;
  };
  FeatureInfo info;
  std::vector<Entry> entries;

 private:
  void add(domain::Type type, xml::Name name, Scope scope, IqHandler handler) {
    entries.push_back({type, name, scope, std::move(handler)});
  }
};

// All features of one core, in the order of features.def.
class Features final : public domain::IqService {
 public:
  explicit Features(Services& services);

  void serve(domain::Account* account, domain::Session* session, domain::Envelope iq) override;

  const std::vector<Feature>& all() const { return features_; }
  // What the stream offers after login beside bind and compression: session, roster versions, caps.
  const std::string& stream_features() const { return stream_features_; }
  std::vector<std::string_view> disco(Scope scope) const;
  // XEP-0030: what a host says of itself. It never changes while the program runs: its hash is in every stream.
  const xml::Element& host_info() const { return host_info_; }

 private:
  // Handlers of others' requests to accounts of this core that may wait at once; the sessions' own are limited by them.
  static constexpr std::size_t kForeignRequests = 1024;
  class Underway;

  net::Task<void> answer(IqHandler handler, Iq iq);
  void reply(const domain::Envelope& request, Reply reply);

  struct Key {
    domain::Type type;
    std::string name;  // namespace, space, local name
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string>{}(key.name) * 31 + static_cast<std::size_t>(key.type);
    }
  };

  Services& services_;
  std::size_t foreign_ = 0;  // others' requests under way
  std::vector<Feature> features_;
  std::unordered_multimap<Key, const Feature::Entry*, KeyHash> handlers_;
  std::string stream_features_;
  xml::Element host_info_;
};

// One factory for each line of features.def.
#define ANSER_FEATURE(name) Feature name(const Services& services);
#include "xmpp/features.def"
#undef ANSER_FEATURE

// The name of our capabilities (XEP-0115 §4): where the software lives.
inline constexpr std::string_view kCapsNode = "https://anser.im";

// Features::host_info() of these, by features/service_discovery.cpp.
xml::Element make_host_info(const Features& features);
// XEP-0115 §5.1, with SHA-1.
std::string caps_hash(const xml::Element& info);

}  // namespace anser::xmpp
