// Files by HTTP: sent through the server's upload service (XEP-0363), fetched from any address. The thread rules stand
// in anser/loop.h; files are read and written on a worker.
//
//   sdk::Upload upload{.path = "/home/romeo/balcony.jpg"};
//   upload.progress = [](const sdk::TransferProgress& so_far) { … };
//   auto sent = connection.file_transfers().upload(upload);
//   if (sent) connection.send(sdk::file_message("juliet@example.org", sent->url));
//
// A connection that is lost is made again, and the transfer goes on where it stopped: of a download where the server
// knows ranges, of an upload where it speaks the IETF's draft of resumable uploads (Anser does); elsewhere it starts
// anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anser/connection.h"

namespace anser::sdk {

struct UploadService {
  std::string address;                         // whom to ask for a slot
  std::optional<std::uint64_t> max_file_size;  // bytes; none: it does not say
  std::vector<std::string> purposes;           // that it announces: "message", "profile", "ephemeral", "permanent"
};

struct TransferProgress {
  std::uint64_t done = 0;                   // bytes; it can go back when a transfer starts anew
  std::optional<std::uint64_t> total = {};  // none: the server does not say
};
// Several times a second at most, and once at the end. On the loop's thread.
using TransferListener = std::function<void(const TransferProgress&)>;

struct TransferLimits {
  std::chrono::milliseconds silence{60'000};  // with no byte moved, then the connection counts as lost
  std::chrono::milliseconds total{0};         // of the whole transfer, tries included; 0: none
  int attempts = 6;                           // in a row without a byte of progress
  std::chrono::milliseconds wait_base{500};   // between them: a random part of min(cap, base * 2^n)
  std::chrono::milliseconds wait_cap{30'000};
};

struct Upload {
  enum class Purpose : std::uint8_t { message, profile, ephemeral, permanent };  // XEP-0363 §5

  std::string path = {};   // a file, or
  std::string bytes = {};  // these, where `path` is ""; then `name` must say something
  std::string name = {};   // that others see; "": the file's own
  std::string type = {};   // a media type; "": as the name's ending says, if it is a common one
  Purpose purpose = Purpose::message;
  std::chrono::system_clock::time_point expire_before = {};  // of an ephemeral one
  TransferListener progress = {};
  TransferLimits limits = {};
};

struct UploadedFile {
  std::string url;  // for everybody whom it is told
  std::uint64_t size = 0;
};

struct Download {
  std::string url;
  std::string path;                                 // where to; its folder must be there
  bool overwrite = false;                           // what is there already
  std::uint64_t max_bytes = 1024ull * 1024 * 1024;  // more are refused
  int redirects = 3;                                // that are followed, never from https to http; 0: none
  TransferListener progress = {};
  TransferLimits limits = {};
};

struct DownloadedFile {
  std::string path;
  std::uint64_t size = 0;
  std::string type;  // as the server says
};

// One that is under way. A handle; the transfer goes on without it.
class ANSER_API Transfer {
 public:
  Transfer();
  Transfer(const Transfer&);
  Transfer(Transfer&&) noexcept;
  Transfer& operator=(const Transfer&);
  Transfer& operator=(Transfer&&) noexcept;
  ~Transfer();

  // Ends it soon, with Errc::closed. Nothing is left of a download. From any thread; fine when it is over.
  void cancel();

  class Job;  // the library's own

 private:
  friend class FileTransfers;
  explicit Transfer(std::weak_ptr<Job> job);
  std::weak_ptr<Job> job_;
};

// At most 64 transfers of a connection are under way, then Errc::queue_full.
class ANSER_API FileTransfers {
 public:
  // Where files can be sent. Errc::unsupported, wrong_state, timeout, stanza.
  Result<UploadService> service();
  void service(std::function<void(Result<UploadService>)> done);

  // Errc::invalid_argument (too large for the service, no name), io (the file), unsupported, stanza (the service
  // refused), http (the HTTP server did; `condition` is the status), insecure (an address without TLS, where the
  // connection requires it), tls, unreachable, protocol, timeout, closed, wrong_state.
  Result<UploadedFile> upload(Upload upload);
  Transfer upload(Upload upload, std::function<void(Result<UploadedFile>)> done);

  // Written beside its place under another name, and there only when it is whole. The same errors. Needs no login.
  Result<DownloadedFile> download(Download download);
  Transfer download(Download download, std::function<void(Result<DownloadedFile>)> done);

 private:
  friend struct ManagerAccess;
  friend class Transfer;
  explicit FileTransfers(Channel& channel);
  ~FileTransfers();
  FileTransfers(const FileTransfers&) = delete;

  class Service;
  std::unique_ptr<Service> service_;
};

// A message as clients show files: the address as its body, and as out-of-band data (XEP-0066).
ANSER_API Message file_message(std::string to, const std::string& url);

}  // namespace anser::sdk
