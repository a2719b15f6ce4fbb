// src/xmpp/features/http_upload.cpp: XEP-0363 HTTP File Upload. Where files go is behind the domain's port
// (domain/upload_slots.h); nothing of this is said where uploads are switched off. Files outlive the session of who has
// sent them, so who has no account to come back to (SASL ANONYMOUS) is not served.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <memory>

#include "domain/upload_slots.h"
#include "xmpp/dates.h"
#include "xmpp/feature.h"
#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kUploadNs = "urn:xmpp:http:upload:0";
constexpr std::string_view kPurposeNs = "urn:xmpp:http:upload:purpose:0";
constexpr xml::Name kRequest{kUploadNs, "request"};

constexpr std::string_view kMessage = "urn:xmpp:http:upload:purpose:0#message";
constexpr std::string_view kProfile = "urn:xmpp:http:upload:purpose:0#profile";
constexpr std::string_view kEphemeral = "urn:xmpp:http:upload:purpose:0#ephemeral";
constexpr std::string_view kPermanent = "urn:xmpp:http:upload:purpose:0#permanent";

// §3, as XEP-0128 wants it.
xml::Element size_form(std::uint64_t max_file_size) {
  xml::Element form{"jabber:x:data", "x"};
  form.attr("type", "result");
  const auto add = [&form](std::string_view name, std::string_view type, std::string_view value) {
    xml::Element field{"jabber:x:data", "field"};
    field.attr("var", name);
    if (!type.empty()) field.attr("type", type);
    form.child(field.child("value", value));
  };
  add("FORM_TYPE", "hidden", kUploadNs);
  add("max-file-size", {}, std::to_string(max_file_size));
  return form;
}

xml::Element identity() {
  xml::Element element{"http://jabber.org/protocol/disco#info", "identity"};
  element.attr("category", "store").attr("type", "file").attr("name", "HTTP File Upload");
  return element;
}

// A file meant to stay is taken only where files stay.
bool keeps_for_ever(const domain::UploadSlots& slots) { return slots.keeps_for().count() == 0; }

// §5. When the file has to be gone; {}: as configured.
Result<Time> read_purpose(const xml::Element& request, const domain::UploadSlots& slots) {
  const xml::Element* purpose = nullptr;
  for (const auto& child : request.children()) {
    if (child.ns() != kPurposeNs) continue;
    if (purpose) return fail(Errc::bad_request, "a file has one purpose");
    purpose = &child;
  }
  if (!purpose || purpose->local() == "message") return Time{};
  if (purpose->local() == "ephemeral") {
    auto time = parse_xmpp_date(purpose->attr("expire-before"));
    if (!time) return fail(Errc::bad_request, "expire-before: {}", time.error().message);
    if (*time <= Time{}) return fail(Errc::not_acceptable, "the file would have expired already");
    return *time;
  }
  if (purpose->local() != "profile" && purpose->local() != "permanent")
    return fail(Errc::unsupported, "no such purpose is known here: {}", purpose->local());
  if (!keeps_for_ever(slots))
    return fail(Errc::unsupported, "files are kept for {} s here, so none can be for the purpose {}",
                slots.keeps_for().count(), purpose->local());
  return Time{};
}

Result<domain::SlotRequest> read(const Iq& iq, const domain::UploadSlots& slots) {
  if (iq.envelope.facts.temporary_sender) return fail(Errc::forbidden, "to send files takes an account");
  domain::SlotRequest request;
  request.owner = iq.envelope.from.to_bare();
  request.name = iq.payload.attr("filename");
  if (request.name.empty()) return fail(Errc::bad_request, "name the file in the attribute filename");
  const std::string_view size = iq.payload.attr("size");
  const char* const end = size.data() + size.size();
  const auto [last, wrong] = std::from_chars(size.data(), end, request.size);
  const bool digits = !size.empty() && last == end && wrong != std::errc::invalid_argument;
  if (digits && wrong == std::errc::result_out_of_range) {
    request.size = UINT64_MAX;  // larger than any file may be
  } else if (!digits || request.size == 0) {
    return fail(Errc::bad_request, "the attribute size is the file's size in bytes, 1 or more");
  }
  request.type = iq.payload.attr("content-type");
  auto expire_before = read_purpose(iq.payload, slots);
  if (!expire_before) return pass(expire_before);
  request.expire_before = *expire_before;
  return request;
}

net::Task<Result<domain::Slot>> ask(domain::UploadSlots& slots, domain::SlotRequest request) {
  auto begin = [&slots, request = std::move(request)](auto handler) mutable {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    slots.request(std::move(request), [resume, core = net::Core::current()](Result<domain::Slot> made) {
      auto slot = std::make_shared<Result<domain::Slot>>(std::move(made));
      boost::asio::post(core->io(), [resume, slot] { std::move (*resume)(std::move(*slot)); });
    });
  };
  Result<domain::Slot> made = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&,
                                                                   void(Result<domain::Slot>)>(
      std::move(begin), boost::asio::use_awaitable_t<net::Executor>{});
  co_return made;
}

// §6.
Reply refused(const Error& error, const domain::UploadSlots& slots, const Clock& clock) {
  if (error.code == Errc::policy_violation) {
    xml::Element too_large{std::string{kUploadNs}, "file-too-large"};
    too_large.child("max-file-size", std::to_string(slots.max_file_size()));
    return refusal("modify", "not-acceptable", error.message, std::move(too_large));
  }
  if (error.code == Errc::resource_limit) {
    xml::Element retry{std::string{kUploadNs}, "retry"};
    retry.attr("stamp", to_xmpp_date(clock.now() + slots.retry_after()));
    return refusal("wait", "resource-constraint", error.message, std::move(retry));
  }
  return tl::make_unexpected(error);
}

net::Task<Reply> give_slot(domain::UploadSlots& slots, const Clock& clock, Iq iq) {
  auto request = read(iq, slots);
  if (!request) co_return pass(request);
  auto asking = ask(slots, std::move(*request));
  auto made = co_await std::move(asking);
  if (!made) co_return refused(made.error(), slots, clock);
  xml::Element slot{std::string{kUploadNs}, "slot"};
  slot.child(xml::Element{std::string{kUploadNs}, "put"}.attr("url", made->put));
  slot.child(xml::Element{std::string{kUploadNs}, "get"}.attr("url", made->get));
  co_return Reply{std::move(slot)};
}

}  // namespace

Feature http_upload(const Services& services) {
  Feature feature{{.xep = 363, .version = "1.2.0", .title = "HTTP File Upload"}};
  domain::UploadSlots* const slots = services.shared.slots;
  if (!slots) return feature;
  feature.info.disco = {kUploadNs, kMessage, kEphemeral};
  if (keeps_for_ever(*slots)) feature.info.disco.insert(feature.info.disco.end(), {kProfile, kPermanent});
  feature.info.about = {identity(), size_form(slots->max_file_size())};
  feature.on_iq_get(
      kRequest, [slots, &clock = services.shared.clock](Iq iq) { return give_slot(*slots, clock, std::move(iq)); },
      Scope::host);
  return feature;
}

}  // namespace anser::xmpp
