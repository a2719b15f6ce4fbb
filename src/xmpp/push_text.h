// Notifications as XMPP writes them (XEP-0357 §7), and what a push service's answer means. Pure but for the settings,
// which say whether a notification names the sender and quotes the text: both go to third parties.
#pragma once

#include <functional>

#include "domain/push.h"
#include "xmpp/settings.h"

namespace anser::xmpp {

inline constexpr std::string_view kPushNs = "urn:xmpp:push:0";

class PushText final : public domain::PushWriter {
 public:
  explicit PushText(std::function<SharedSettings()> settings) : settings_(std::move(settings)) {}

  domain::Bytes notification(const domain::PushNotice& notice) const override;
  bool refuses(const domain::Envelope& error) const override;

 private:
  const std::function<SharedSettings()> settings_;
};

}  // namespace anser::xmpp
