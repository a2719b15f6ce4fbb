// Message carbons (XEP-0280). Copies count only when the account itself sends them (§11, CVE-2017-5589): what anybody
// else dresses up as a copy is heard of by nobody.
#include <atomic>
#include <utility>

#include "anser/carbons.h"
#include "sdk/src/answers.h"
#include "sdk/src/dates.h"
#include "sdk/src/forwarded.h"
#include "sdk/src/listeners.h"
#include "sdk/src/senders.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kCarbonsNs = "urn:xmpp:carbons:2";

}  // namespace

class ANSER_HIDDEN CarbonManager::Carbons final : public Extension {
 public:
  explicit Carbons(Channel& channel) : channel_(channel), wanted_(channel.configuration().carbons_enabled) {}

  Channel& channel() { return channel_; }
  bool is_enabled() const { return enabled_; }

  ListenerId add(CarbonListener listener) {
    const ListenerId id = ++last_id_;
    return listeners_.add(id, std::move(listener)) ? id : 0;
  }
  void remove(ListenerId id) { listeners_.remove(id); }

  void ask(bool enable, const Done& done) {
    if (!channel_.is_authenticated()) return give(channel_, done, fail(Errc::wrong_state, "not logged in"));
    IQ set{IQ::Type::set, Element{enable ? "enable" : "disable", kCarbonsNs}};
    channel_.request(std::move(set), [this, enable, done](const Result<IQ>& answer) {
      if (answer) enabled_ = wanted_ = enable;
      give(channel_, done, outcome(answer));
    });
  }

  void on_session(bool resumed) override {
    if (resumed) return;
    enabled_ = channel_.has_bound(kCarbonsNs);
    const bool offered = channel_.has_account_feature(kCarbonsNs) || channel_.has_server_feature(kCarbonsNs);
    if (wanted_ && !enabled_ && offered) ask(true, {});
  }

  void on_closed(bool lost) override {
    if (lost) enabled_ = false;
  }

  bool on_message(const Message& message) override {
    const bool received = message.has_extension("received", kCarbonsNs);
    const bool sent = message.has_extension("sent", kCarbonsNs);
    if (!received && !sent) return false;
    if (!is_account(channel_, message.from())) {
      channel_.complain(fmt::format("a carbon copy from {}, who must not, was ignored", message.from()));
      return true;
    }
    auto copy = received == sent ? fail(Errc::protocol, "sent and received at once")
                                 : read_forwarded(*message.extension(received ? "received" : "sent", kCarbonsNs));
    if (copy && !copy->message) copy = fail(Errc::protocol, "it holds no message");
    if (!copy) {
      channel_.complain("a carbon copy was ignored: " + copy.error().message);
      return true;
    }
    if (copy->stamp && !copy->message->delay())
      copy->message->add_extension(
          Element{"delay", "urn:xmpp:delay"}.set_attribute("stamp", format_date(*copy->stamp)));
    const auto direction = received ? Direction::received : Direction::sent;
    listeners_.tell(channel_, [&](const CarbonListener& listener) { listener(direction, *copy->message); });
    return true;
  }

 private:
  Channel& channel_;
  Listeners<CarbonListener> listeners_;
  std::atomic<ListenerId> last_id_ = 0;
  std::atomic<bool> enabled_ = false;
  bool wanted_;  // as configured, until the application says otherwise; holds for later sessions
};

CarbonManager::CarbonManager(Channel& channel) : carbons_(std::make_unique<Carbons>(channel)) {}
CarbonManager::~CarbonManager() = default;

Extension& ManagerAccess::extension(CarbonManager& carbons) { return *carbons.carbons_; }

bool CarbonManager::is_enabled() const { return carbons_->is_enabled(); }

Result<void> CarbonManager::enable() {
  return wait_for<void>(carbons_->channel(), [&](Done done) { enable(std::move(done)); });
}

void CarbonManager::enable(Done done) {
  carbons_->channel().run([carbons = carbons_.get(), done = std::move(done)] { carbons->ask(true, done); });
}

Result<void> CarbonManager::disable() {
  return wait_for<void>(carbons_->channel(), [&](Done done) { disable(std::move(done)); });
}

void CarbonManager::disable(Done done) {
  carbons_->channel().run([carbons = carbons_.get(), done = std::move(done)] { carbons->ask(false, done); });
}

ListenerId CarbonManager::add_listener(CarbonListener listener) { return carbons_->add(std::move(listener)); }
void CarbonManager::remove_listener(ListenerId id) { carbons_->remove(id); }

}  // namespace anser::sdk
