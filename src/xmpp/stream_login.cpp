// Stream, the part that begins with a login by SASL2: binds as the client asked for inline (Bind 2, XEP-0386), then
// writes <success/> and the features that hold from there on. The stream is not restarted.
#include "base/log.h"
#include "core/random.h"
#include "xml/escape.h"
#include "xmpp/archive_metadata.h"
#include "xmpp/feature.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

// The same for the same installation and tag (XEP-0386 §3.2.1), without telling whose it is.
std::string resource_id(const Shared& shared, const std::string& agent_mark, const std::string& tag) {
  constexpr std::size_t kBytes = 8;
  if (agent_mark.empty()) return core::random_id(12);
  const std::string what = "resource " + agent_mark + tag;
  return core::hex(core::hmac(core::Hash::sha256, shared.secret, what).substr(0, kBytes));
}

}  // namespace

// What <bind/> may enable is named here; enable_inline() below is where it is done.
std::string_view Stream::inline_features() {
  return "<sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/>"
         "<feature var='urn:xmpp:csi:0'/><feature var='urn:xmpp:sm:3'/></inline></bind>";
}

Stream::Then Stream::begin_welcome() {
  if (welcome_->resume) {
    welcome_->not_resumed = seek_session(*welcome_->resume);
    if (wish_ && !connection_->closed()) return Then::moved;
    if (ended_) return Then::over;
  }
  if (!welcome_->bind) {
    write_welcome({});
    return Then::go_on;
  }
  const auto account = core::Jid::parse(account_).value_or(core::Jid{});
  const std::string& tag = welcome_->bind->tag;
  const std::string id = resource_id(services_.shared, welcome_->agent_mark, tag);
  auto full = account.with_resource(bound_resource(account, tag, id));
  if (!full) {
    end({"internal-server-error", "no resource was found"});
    return Then::over;
  }
  set_client(welcome_->agent_mark);
  binding_ = true;
  services_.router.open(
      *this, std::move(*full), temporary_, [this](Result<void> outcome) { welcomed(std::move(outcome)); }, since_);
  return Then::wait;
}

void Stream::welcomed(Result<void> outcome) {
  binding_ = false;
  if (!outcome) {
    services_.router.close(*this);
    const Errc code = outcome.error().code;
    const bool stale = code == Errc::not_found || code == Errc::not_authorized;
    end({stale                          ? "not-authorized"
         : code == Errc::storage_failed ? "internal-server-error"
                                        : "resource-constraint",
         outcome.error().message});
    return gate_.open();
  }
  bound_ = true;
  no_longer_unbound();
  connection_->limit(silence_allowed());
  log_login();
  set_reads_archive();
  gate_.open();
}

net::Task<void> Stream::say_bound() {
  auto task = archive_metadata(services_, jid().to_bare());
  const auto metadata = co_await std::move(task);
  if (ended_) co_return;
  // In one turn: nothing can come between the session and what it begins with.
  std::string bound = "<bound xmlns='";
  bound.append(kBind2Ns).append("'>");
  for (const auto& wish : welcome_->bind->enables) bound.append(enable_inline(wish));
  if (metadata) metadata->append_to(bound);  // a hint (§3.2.1): a login does not fail for it
  write_welcome(bound.append("</bound>"));
  send_waiting();
}

// `outcome` is <bound/>, <resumed/> or nothing. After <resumed/> no features follow (XEP-0198 §9.2).
void Stream::write_welcome(std::string_view outcome) {
  const auto welcome = std::move(welcome_);
  std::string text = "<success xmlns='";
  text.append(kSasl2Ns).append("'>");
  if (!welcome->data.empty()) text.append("<additional-data>").append(welcome->data).append("</additional-data>");
  text.append("<authorization-identifier>");
  xml::append_escaped(text, bound_ ? jid().full() : account_);
  text.append("</authorization-identifier>").append(welcome->not_resumed).append(outcome).append(welcome->token);
  text.append("</success>");
  const bool resumed = welcome->resume && welcome->not_resumed.empty();
  send(text);
  if (!resumed) send(features());
}

// The answer, for <bound/>. Unknown wishes are ignored, as unknown elements are elsewhere in SASL2.
std::string Stream::enable_inline(const xml::Element& wish) {
  if (wish.is({kManagementNs, "enable"}) && !management_) return enable_management(wish);
  if (wish.is({"urn:xmpp:carbons:2", "enable"})) set_carbons(true);
  if (wish.is({"urn:xmpp:csi:0", "active"})) set_active(true);
  if (wish.is({"urn:xmpp:csi:0", "inactive"})) set_active(false);
  return {};
}

}  // namespace anser::xmpp
