// One download: GET, and when it is cut and the server knows ranges, the rest of the same file (RFC 9110 §13.1.5,
// If-Range). What a server says of lengths and ranges is compared with what it sends.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sdk/src/local_file.h"
#include "sdk/src/transfer_job.h"

namespace anser::sdk {

class DownloadJob final : public Transfer::Job {
 public:
  using Done = std::function<void(Result<DownloadedFile>)>;

  DownloadJob(Channel& channel, Download download, Done done);

 private:
  net::Task<Result<void>> prepare() override;
  net::Task<Result<void>> attempt() override;
  net::Task<Result<void>> complete() override;
  void tell(Result<void> result) override;

  // One request. True: it is all there; false: the server sends us on, and url_ says where.
  net::Task<Result<bool>> get();
  net::Task<Result<bool>> take(HttpLine& line);
  net::Task<Result<void>> keep(std::string bytes);
  net::Task<Result<void>> start_anew();
  Result<void> follow(const net::HttpResponseHead& head);
  Result<bool> goes_on(const net::HttpResponseHead& head);

  const Download download_;
  const Done done_;
  std::optional<FileWriter> file_;
  SocketUrl url_;
  std::string validator_;  // strong: of what file_ has; "": it cannot be gone on with
  std::string type_;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> total_;
};

}  // namespace anser::sdk
