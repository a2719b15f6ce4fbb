#include "archive.h"

#include <string>
#include <vector>

#include "scan.h"

namespace anser::load {
namespace {

constexpr std::size_t kMostCounted = 1000;  // accounts; of more, a sample
constexpr std::size_t kSample = 200;
constexpr std::size_t kAtOnce = 16;  // archives that are being read
constexpr std::size_t kPage = 250;   // servers give fewer if they like

std::string_view behind(std::string_view text, std::string_view part) {
  const auto at = text.find(part);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at + part.size());
}

class Counting {
 public:
  Counting(Fleet& fleet, const Traffic& traffic)
      : fleet_(fleet),
        traffic_(traffic),
        step_(fleet.size() <= kMostCounted ? 1 : fleet.size() / kSample),
        archives_(fleet.size()) {
    fleet_.set_on_stanza([this](Client& client, std::string_view stanza) { on_stanza(client, stanza); });
  }

  void start() {
    for (std::size_t i = 0; i < kAtOnce; ++i) open_next();
  }
  bool done() const { return opened_ == count_.archives; }
  const ArchiveCount& count() const { return count_; }

 private:
  struct Archive {  // of one client: what its partner and it wrote, numbered each from 0
    std::uint32_t sent = 0;
    std::uint32_t got = 0;
  };

  void open_next() {
    if (next_ >= fleet_.size()) return;
    ask(fleet_[next_], "");
    next_ += step_;
    ++opened_;
  }

  static void ask(Client& client, std::string_view after) {
    client.send(
        fmt::format("<iq type='set' id='archive'><query xmlns='urn:xmpp:mam:2'><set "
                    "xmlns='http://jabber.org/protocol/rsm'><max>{}</max>{}</set></query></iq>",
                    kPage, after));
  }

  void on_stanza(Client& client, std::string_view stanza) {
    if (is_message(stanza)) return take_message(client, stanza);
    if (stanza.starts_with("<iq") && attribute_of(stanza, "id") == "archive") end_page(client, stanza);
  }

  void take_message(Client& client, std::string_view stanza) {
    const auto number = number_of(stanza);
    const std::string_view from = attribute_of(behind(behind(stanza, "<forwarded"), "<message"), "from");
    if (!number) return fleet_.give_up(number.error());
    Archive& archive = archives_[client.index()];
    const bool own = from.starts_with(client.identity().name + "@");
    std::uint32_t& due = own ? archive.sent : archive.got;
    if (*number != due) {
      return fleet_.give_up({Errc::bad_request, fmt::format("message {} from {} stands where {} was due in the archive "
                                                            "of {} (was the account new?)",
                                                            *number, from, due, client.identity().name)});
    }
    ++due;
    ++count_.messages;
  }

  void end_page(Client& client, std::string_view answer) {
    const std::string_view end = behind(answer, "<fin");
    if (attribute_of(end, "complete") == "true") return close(client);
    const std::string_view last = behind(behind(end, "<last"), ">");
    if (end.empty() || last.empty()) {
      return fleet_.give_up({Errc::bad_request, fmt::format("no page of an archive: {}", answer)});
    }
    ask(client, fmt::format("<after>{}</after>", last.substr(0, last.find('<'))));
  }

  void close(Client& client) {
    const std::size_t i = client.index();
    const std::uint32_t sent = traffic_.sent_by(i);
    const std::uint32_t got = traffic_.sent_by(i ^ 1);
    if (archives_[i].sent != sent || archives_[i].got != got) {
      return fleet_.give_up(
          {Errc::bad_request, fmt::format("the archive of {} has {} of {} messages that it sent and "
                                          "{} of {} that it got",
                                          client.identity().name, archives_[i].sent, sent, archives_[i].got, got)});
    }
    ++count_.archives;
    open_next();
  }

  Fleet& fleet_;
  const Traffic& traffic_;
  const std::size_t step_;
  std::vector<Archive> archives_;
  std::size_t next_ = 0;
  std::size_t opened_ = 0;
  ArchiveCount count_;
};

}  // namespace

Result<ArchiveCount> count_archives(Fleet& fleet, const Traffic& traffic, Tick deadline) {
  Counting counting(fleet, traffic);
  counting.start();
  auto counted = fleet.run_until(deadline, "archives", [&] { return counting.done(); });
  fleet.set_on_stanza({});
  if (!counted) return pass(counted);
  return counting.count();
}

}  // namespace anser::load
