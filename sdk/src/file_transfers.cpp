#include <algorithm>
#include <utility>
#include <vector>

#include "anser/file_transfer.h"
#include "sdk/src/answers.h"
#include "sdk/src/download_job.h"
#include "sdk/src/upload_job.h"

namespace anser::sdk {
namespace {

constexpr std::size_t kTransfers = 64;  // of a connection
constexpr std::size_t kItems = 32;      // of the server that are asked whether they take files
constexpr std::string_view kInfoNs = "http://jabber.org/protocol/disco#info";
constexpr std::string_view kItemsNs = "http://jabber.org/protocol/disco#items";

}  // namespace

// Finds the upload service once a session, and knows the transfers that are under way.
class ANSER_HIDDEN FileTransfers::Service final : public Extension {
 public:
  using Found = std::function<void(Result<UploadService>)>;

  explicit Service(Channel& channel) : channel_(channel) {}

  Channel& channel() { return channel_; }

  // XEP-0363 §3: the server itself, else one of its items.
  void find(Found done) {
    if (!channel_.is_authenticated()) return give(channel_, done, fail(Errc::wrong_state, "not logged in"));
    if (known_) return give(channel_, done, *known_);
    if (waiting_.size() >= kTransfers)
      return give(channel_, done, fail(Errc::queue_full, "too many ask for the service"));
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    const std::string server = channel_.configuration().service_name;
    if (channel_.has_server_feature(kUploadNs)) return ask_info({server}, 0);
    channel_.request(IQ{IQ::Type::get, Element{"query", kItemsNs}, server}, [this](const Result<IQ>& answer) {
      if (!answer) return finish(pass(answer));
      std::vector<std::string> items;
      if (const auto payload = answer->payload()) {
        for (const Element& item : payload->children()) {
          if (item.name() == "item" && items.size() < kItems) items.emplace_back(item.attribute("jid"));
        }
      }
      ask_info(std::move(items), 0);
    });
  }

  template <class Job>
  void start(const std::shared_ptr<Job>& job) {
    std::erase_if(jobs_, [](const auto& known) { return known.expired(); });
    jobs_.push_back(job);
    channel_.start(Transfer::Job::run(job), job->slot());
  }
  // A new one may begin.
  Result<void> room() const {
    const auto under_way = std::count_if(jobs_.begin(), jobs_.end(), [](const auto& job) { return !job.expired(); });
    if (static_cast<std::size_t>(under_way) >= kTransfers)
      return fail(Errc::queue_full, "{} transfers are under way already", kTransfers);
    return {};
  }
  void cancel_all() {
    waiting_.clear();
    for (const auto& known : std::exchange(jobs_, {})) {
      if (const auto job = known.lock()) job->cancel({Errc::closed, "the connection was destroyed"});
    }
  }

  void on_session(bool resumed) override {
    if (!resumed) known_.reset();
  }

 private:
  void ask_info(std::vector<std::string> addresses, std::size_t at) {
    if (at >= addresses.size()) return finish(fail(Errc::unsupported, "the server has no upload service"));
    const std::string address = addresses[at];
    channel_.request(IQ{IQ::Type::get, Element{"query", kInfoNs}, address},
                     [this, addresses = std::move(addresses), at, address](const Result<IQ>& answer) mutable {
                       const auto info = answer ? answer->payload() : std::nullopt;
                       auto service = info ? read_service(address, *info) : std::nullopt;
                       if (!service) return ask_info(std::move(addresses), at + 1);
                       known_ = std::move(service);
                       finish(*known_);
                     });
  }
  void finish(Result<UploadService> found) {
    for (const Found& done : std::exchange(waiting_, {})) {
      if (!channel_.is_alive()) return;
      give(channel_, done, found);
    }
  }

  Channel& channel_;
  std::optional<UploadService> known_;
  std::vector<Found> waiting_;
  std::vector<std::weak_ptr<Transfer::Job>> jobs_;
};

Transfer::Transfer() = default;
Transfer::Transfer(std::weak_ptr<Job> job) : job_(std::move(job)) {}
Transfer::Transfer(const Transfer&) = default;
Transfer::Transfer(Transfer&&) noexcept = default;
Transfer& Transfer::operator=(const Transfer&) = default;
Transfer& Transfer::operator=(Transfer&&) noexcept = default;
Transfer::~Transfer() = default;

void Transfer::cancel() {
  if (const auto job = job_.lock()) Job::cancel_soon(job);
}

FileTransfers::FileTransfers(Channel& channel) : service_(std::make_unique<Service>(channel)) {}
FileTransfers::~FileTransfers() = default;

Extension& ManagerAccess::extension(FileTransfers& transfers) { return *transfers.service_; }
void ManagerAccess::cancel_all(FileTransfers& transfers) { transfers.service_->cancel_all(); }

Result<UploadService> FileTransfers::service() {
  return wait_for<UploadService>(service_->channel(),
                                 [&](std::function<void(Result<UploadService>)> done) { service(std::move(done)); });
}

void FileTransfers::service(std::function<void(Result<UploadService>)> done) {
  service_->channel().run([service = service_.get(), done = std::move(done)] { service->find(done); });
}

Result<UploadedFile> FileTransfers::upload(Upload upload) {
  return wait_for<UploadedFile>(service_->channel(), [&](std::function<void(Result<UploadedFile>)> done) {
    this->upload(std::move(upload), std::move(done));
  });
}

Transfer FileTransfers::upload(Upload upload, std::function<void(Result<UploadedFile>)> done) {
  auto find = [service = service_.get()](std::function<void(Result<UploadService>)> found) {
    service->find(std::move(found));
  };
  auto job = std::make_shared<UploadJob>(service_->channel(), std::move(upload), std::move(find), done);
  Transfer transfer{job};
  service_->channel().run([service = service_.get(), job = std::move(job), done = std::move(done)] {
    if (auto room = service->room(); !room) return give(service->channel(), done, pass(room));
    service->start(job);
  });
  return transfer;
}

Result<DownloadedFile> FileTransfers::download(Download download) {
  return wait_for<DownloadedFile>(service_->channel(), [&](std::function<void(Result<DownloadedFile>)> done) {
    this->download(std::move(download), std::move(done));
  });
}

Transfer FileTransfers::download(Download download, std::function<void(Result<DownloadedFile>)> done) {
  auto job = std::make_shared<DownloadJob>(service_->channel(), std::move(download), done);
  Transfer transfer{job};
  service_->channel().run([service = service_.get(), job = std::move(job), done = std::move(done)] {
    if (auto room = service->room(); !room) return give(service->channel(), done, pass(room));
    service->start(job);
  });
  return transfer;
}

Message file_message(std::string to, const std::string& url) {
  Message message{std::move(to), url, Message::Type::chat};
  Element data{"x", "jabber:x:oob"};
  message.add_extension(data.add_child("url", url));
  return message;
}

}  // namespace anser::sdk
