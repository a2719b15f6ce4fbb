// What the library answers by itself: pings (XEP-0199), what this client can do (XEP-0030), which program it is
// (XEP-0092), and the application's own handlers. Handlers are set on any thread; the rest on the loop's.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sdk/src/channel.h"

namespace anser::sdk {

class ClientInfo {
 public:
  static constexpr std::size_t kHandlers = 1000;
  static constexpr std::size_t kFeatures = 1000;

  explicit ClientInfo(Channel& channel) : channel_(channel) {}

  void set_handler(std::string name, std::string ns, Connection::IqHandler handler);
  void add_feature(std::string feature);

  // Nothing: the connection was destroyed by the handler.
  std::optional<IQ> answer(const IQ& request);

 private:
  IQ disco_info(const IQ& request, const Element& query) const;

  Channel& channel_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Connection::IqHandler> handlers_;
  std::set<std::string> features_;
};

}  // namespace anser::sdk
