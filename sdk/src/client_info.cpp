#include "sdk/src/client_info.h"

#include "anser/address.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kPing = "urn:xmpp:ping";
constexpr std::string_view kInfo = "http://jabber.org/protocol/disco#info";
constexpr std::string_view kVersion = "jabber:iq:version";

}  // namespace

void ClientInfo::set_handler(std::string name, std::string ns, Connection::IqHandler handler) {
  Connection::IqHandler replaced;  // destroyed without the lock
  const std::lock_guard lock{mutex_};
  const auto key = std::pair{std::move(name), std::move(ns)};
  const auto at = handlers_.find(key);
  if (at != handlers_.end()) {
    replaced = std::move(at->second);
    if (!handler) return void(handlers_.erase(at));
    at->second = std::move(handler);
  } else if (handler && handlers_.size() < kHandlers) {
    handlers_.emplace(key, std::move(handler));
  }
}

void ClientInfo::add_feature(std::string feature) {
  const std::lock_guard lock{mutex_};
  if (features_.size() < kFeatures) features_.insert(std::move(feature));
}

std::optional<IQ> ClientInfo::answer(const IQ& request) {
  const auto payload = request.payload();
  if (!payload || request.raw_extensions().size() != 1)
    return IQ::error_for(request, {.condition = "bad-request", .type = "modify"});

  Connection::IqHandler handler;
  {
    const std::lock_guard lock{mutex_};
    const auto at = handlers_.find({std::string{payload->name()}, std::string{payload->ns()}});
    if (at != handlers_.end()) handler = at->second;
  }
  if (handler) {
    IQ answer = IQ::error_for(request, {.condition = "internal-server-error"});  // if it throws
    channel_.call([&] { answer = handler(request); });
    if (!channel_.is_alive()) return std::nullopt;
    answer.set_id(request.id());
    answer.set_to(request.from());
    return answer;
  }

  const bool get = request.type() == IQ::Type::get;
  if (get && payload->is("ping", kPing)) return IQ::result_for(request);
  if (get && payload->is("query", kInfo)) return disco_info(request, *payload);
  if (get && payload->is("query", kVersion)) {
    return IQ::result_for(
        request,
        Element{"query", kVersion}.add_child("name", "Anser client library").add_child("version", ANSER_VERSION));
  }
  return IQ::error_for(request, {.condition = "service-unavailable"});
}

IQ ClientInfo::disco_info(const IQ& request, const Element& query) const {
  if (query.has_attribute("node"))  // there are none
    return IQ::error_for(request, {.condition = "item-not-found"});
  std::set<std::string> all{std::string{kPing}, std::string{kInfo}, std::string{kVersion}, "urn:xmpp:receipts",
                            "http://jabber.org/protocol/chatstates"};
  {
    const std::lock_guard lock{mutex_};
    all.insert(features_.begin(), features_.end());
    for (const auto& [name, handler] : handlers_) all.insert(name.second);
  }
  Element identity{"identity", kInfo};
  identity.set_attribute("category", "client").set_attribute("type", "pc").set_attribute("name", "Anser");
  Element info{"query", kInfo};
  info.add_child(std::move(identity));
  for (const std::string& feature : all) {
    Element var{"feature", kInfo};
    var.set_attribute("var", feature);
    info.add_child(std::move(var));
  }
  return IQ::result_for(request, info);
}

}  // namespace anser::sdk
