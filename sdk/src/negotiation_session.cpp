// From the login to the session, by RFC 6120 §7: compression (XEP-0138), the old session (XEP-0198) or a new address,
// and what old servers want besides; stream management for the new one.
#include <utility>

#include "sdk/src/negotiation.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kManagement{kManagementNs, "sm"};
constexpr xml::Name kCompression{"http://jabber.org/features/compress", "compression"};
constexpr xml::Name kBind{kBindNs, "bind"};

bool offers_zlib(const xml::Element& features) {
  const auto* compression = features.find(kCompression);
  if (!compression) return false;
  for (const auto& method : compression->children()) {
    if (method.local() == "method" && trimmed(method.text()) == "zlib") return true;
  }
  return false;
}

}  // namespace

// The next step that these features allow. Every step is taken once.
Next Negotiation::go_on(std::string& out) {
  if (!facts_.address.empty()) return finish();  // with Bind 2, and these are the features that follow
  if (configuration_.compression_enabled && !std::exchange(compression_asked_, true) && offers_zlib(features_)) {
    out.append("<compress xmlns='").append(kCompressNs).append("'><method>zlib</method></compress>");
    state_ = State::compressed;
    return Next::wait;
  }
  if (resume_ && !std::exchange(resume_asked_, true) && features_.find(kManagement)) {
    xml::Writer writer{out};
    writer.open("resume", kManagementNs).attr("h", std::to_string(resume_->h)).attr("previd", resume_->id).close();
    state_ = State::resumed;
    return Next::wait;
  }
  if (resume_ && resume_->or_nothing) {
    facts_.lost = true;
    return fail_with({Errc::closed, "the session is over"}, out);
  }
  return ask_to_bind(out);
}

Next Negotiation::finish() {
  facts_.lost = resume_ && !facts_.resumed;
  sasl_.reset();
  credentials_ = {};
  resume_.reset();
  state_ = State::logged_in;
  return Next::logged_in;
}

// ---- compression ----------------------------------------------------------------------------------------------------

Next Negotiation::answer_compress(const xml::Element& element, std::string& out) {
  if (element.is({kCompressNs, "compressed"})) {
    state_ = State::compression;
    return Next::start_compression;
  }
  // XEP-0138 §2: not to be treated as unrecoverable.
  if (element.is({kCompressNs, "failure"})) return go_on(out);
  return unexpected(element, out);
}

Next Negotiation::on_compressed(std::string& out) {
  if (state_ == State::failed) return Next::failed;
  facts_.compressed = true;
  return open_stream(out);
}

// ---- the old session ------------------------------------------------------------------------------------------------

Next Negotiation::answer_resume(const xml::Element& element, std::string& out) {
  if (element.is({kManagementNs, "resumed"})) {
    if (const auto taken = take_resumed(element); !taken) return fail_with(taken.error(), out);
    return finish();
  }
  if (!element.is({kManagementNs, "failed"})) return unexpected(element, out);
  take_lost(element);
  return go_on(out);
}

Result<void> Negotiation::take_resumed(const xml::Element& resumed) {
  const auto handled = number(trimmed(resumed.attr("h")));
  const auto address = core::Jid::parse(resume_->address);
  if (!handled || resumed.attr("previd") != resume_->id)
    return fail(Errc::protocol, "the server resumed another session than the one it was asked for");
  if (!address || !is_ours(*address)) return fail(Errc::protocol, "the server resumed a session of another account");
  facts_.handled = handled;
  facts_.resumed = true;
  facts_.address = address->full();
  return {};
}

void Negotiation::take_lost(const xml::Element& failed) { facts_.handled = number(trimmed(failed.attr("h"))); }

// ---- a new session --------------------------------------------------------------------------------------------------

Next Negotiation::ask_to_bind(std::string& out) {
  if (!features_.find(kBind)) return wrong(out, "the server let us in, and offers no address to be bound");
  xml::Writer writer{out};
  writer.open("iq").attr("type", "set").attr("id", "bind").open("bind", kBindNs);
  if (!credentials_.resource.empty()) writer.element("resource", credentials_.resource);
  writer.close().close();
  state_ = State::bound;
  return Next::wait;
}

// To a request of ours, and from the server: others can write to us once we have an address.
bool Negotiation::answers(const xml::Element& element, std::string_view id) const {
  if (!element.is({xml::kClientNs, "iq"}) || element.attr("id") != id) return false;
  if (element.attr("type") != "result" && element.attr("type") != "error") return false;
  if (!element.has_attr("from")) return true;
  const auto from = core::Jid::parse(element.attr("from"));
  return from && (from->full() == service_ || is_ours(*from));
}

Next Negotiation::answer_bind(const xml::Element& element, std::string& out) {
  if (!answers(element, "bind")) return unexpected(element, out);
  if (element.attr("type") == "error") return fail_with(iq_error(element, "bind the resource"), out);
  const auto* bind = element.find(kBind);
  const auto address = core::Jid::parse(bind ? trimmed(bind->child_text("jid")) : std::string_view{});
  if (!address || !address->has_resource()) return wrong(out, "the server bound no address");
  if (!is_ours(*address)) return wrong(out, "the server bound somebody else's address");
  account_ = address->to_bare();
  facts_.address = address->full();
  // RFC 3921 §3, for servers that still want it.
  const auto* session = features_.find({kSessionNs, "session"});
  if (!session || session->find("optional")) return enable_management(out);
  out.append("<iq type='set' id='session'><session xmlns='").append(kSessionNs).append("'/></iq>");
  state_ = State::session;
  return Next::wait;
}

Next Negotiation::answer_session(const xml::Element& element, std::string& out) {
  if (!answers(element, "session")) return unexpected(element, out);
  if (element.attr("type") == "error") return fail_with(iq_error(element, "establish a session"), out);
  return enable_management(out);
}

// ---- stream management ----------------------------------------------------------------------------------------------

Next Negotiation::enable_management(std::string& out) {
  if (!configuration_.stream_management || !features_.find(kManagement)) return finish();
  append_enable(out);
  state_ = State::enabled;
  return Next::wait;
}

void Negotiation::append_enable(std::string& out) const {
  out.append("<enable xmlns='").append(kManagementNs).append(configuration_.resumption ? "' resume='true'/>" : "'/>");
}

Next Negotiation::answer_enable(const xml::Element& element, std::string& out) {
  if (element.is({kManagementNs, "enabled"})) {
    take_enabled(element);
    return finish();
  }
  if (element.is({kManagementNs, "failed"})) return finish();  // then without
  return unexpected(element, out);
}

void Negotiation::take_enabled(const xml::Element& enabled) {
  Management management;
  management.id = enabled.attr("id");
  management.resumable = configuration_.resumption && truth(enabled.attr("resume")) && !management.id.empty();
  management.max = number(trimmed(enabled.attr("max"))).value_or(0);
  management.location = whereabouts(enabled.attr("location"));
  facts_.management = std::move(management);
}

}  // namespace anser::sdk
