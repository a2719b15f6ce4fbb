// Queries of archives (XEP-0313). A result belongs to the query whose random id it carries, if it comes from the
// archive that was asked (§8.2, CVE-2020-26547); nobody else hears of any.
#include <map>
#include <utility>

#include "anser/address.h"
#include "anser/archive.h"
#include "core/random.h"
#include "sdk/src/answers.h"
#include "sdk/src/archive_query.h"
#include "sdk/src/senders.h"
#include "sdk/src/stanza_access.h"

namespace anser::sdk {

class ANSER_HIDDEN ArchiveManager::Queries final : public Extension {
 public:
  using Finished = std::function<void(Result<ArchivePage>)>;

  explicit Queries(Channel& channel) : channel_(channel) {}

  Channel& channel() { return channel_; }

  void ask(const ArchiveQuery& query, const Finished& done) {
    if (auto started = start(query, done); !started) give(channel_, done, pass(started));
  }

  bool on_message(const Message& message) override {
    const auto* result = find_extension(message, "result", kArchiveNs);
    if (!result) return false;
    const auto parsed = message.extension("result", kArchiveNs);
    const auto found = parsed ? open_.find(parsed->attribute("queryid")) : open_.end();
    if (found == open_.end() || !comes_from(found->second.page, message.from())) {
      channel_.complain(fmt::format("an archive result from {} that nobody asked it for was ignored", message.from()));
      return true;
    }
    Open& open = found->second;
    if (auto added = open.page.add(*result, *parsed); !added && !std::exchange(open.complained, true))
      channel_.complain("an archive result was ignored: " + added.error().message);
    return true;
  }

 private:
  static constexpr std::size_t kOpen = 100;

  struct Open {
    ArchivePageReader page;
    bool complained = false;  // of a page once
  };

  Result<void> start(const ArchiveQuery& query, const Finished& done) {
    if (!channel_.is_authenticated()) return fail(Errc::wrong_state, "not logged in");
    if (open_.size() >= kOpen) return fail(Errc::queue_full, "{} queries are open already", kOpen);
    std::string archive;
    if (!query.archive.empty()) {
      auto prepared = prepare_address(query.archive);
      if (!prepared) return pass(prepared);
      if (!is_account(channel_, *prepared)) archive = std::move(*prepared);
    }
    // What a room can do it says when it is asked.
    const bool offered = channel_.has_account_feature(kArchiveNs) || channel_.has_server_feature(kArchiveNs);
    if (archive.empty() && !offered) return fail(Errc::unsupported, "the server keeps no archive");
    auto id = core::random_id();
    auto element = write_query(query, id);
    if (!element) return pass(element);
    open_.emplace(id, Open{ArchivePageReader{archive, query.page_size}});
    channel_.request(IQ{IQ::Type::set, *element, archive},
                     [this, id, done](const Result<IQ>& answer) { finish(id, answer, done); });
    return {};
  }

  void finish(const std::string& id, const Result<IQ>& answer, const Finished& done) {
    auto open = open_.extract(id);
    if (!answer) return give(channel_, done, pass(answer));
    give(channel_, done, std::move(open.mapped().page).finish(answer->payload()));
  }

  bool comes_from(const ArchivePageReader& page, const std::string& from) const {
    if (page.archive().empty()) return is_account_or_none(channel_, from);
    return from == page.archive() || prepared_or_empty(from) == page.archive();
  }

  Channel& channel_;
  std::map<std::string, Open, std::less<>> open_;  // by query id; each ends with its request's answer
};

ArchiveManager::ArchiveManager(Channel& channel) : queries_(std::make_unique<Queries>(channel)) {}
ArchiveManager::~ArchiveManager() = default;

Extension& ManagerAccess::extension(ArchiveManager& archive) { return *archive.queries_; }

Result<ArchivePage> ArchiveManager::query(const ArchiveQuery& query) {
  return wait_for<ArchivePage>(
      queries_->channel(), [&](std::function<void(Result<ArchivePage>)> done) { this->query(query, std::move(done)); });
}

void ArchiveManager::query(const ArchiveQuery& query, std::function<void(Result<ArchivePage>)> done) {
  queries_->channel().run([queries = queries_.get(), query, done = std::move(done)] { queries->ask(query, done); });
}

}  // namespace anser::sdk
