// One upload: a slot, the PUT into it, and when that is cut and the server can (draft-ietf-httpbis-resumable-upload,
// interop version 8), the rest of it: HEAD for the offset, PATCH from there. Where it cannot, each try has a slot of
// its own (XEP-0363 §7).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sdk/src/local_file.h"
#include "sdk/src/transfer_job.h"
#include "sdk/src/upload_service.h"

namespace anser::sdk {

class UploadJob final : public Transfer::Job {
 public:
  using Done = std::function<void(Result<UploadedFile>)>;
  // Asks for the service, as FileTransfers::service() does.
  using FindService = std::function<void(std::function<void(Result<UploadService>)>)>;

  UploadJob(Channel& channel, Upload upload, FindService find_service, Done done);

 private:
  net::Task<Result<void>> prepare() override;
  net::Task<Result<void>> attempt() override;
  net::Task<Result<void>> complete() override;
  void tell(Result<void> result) override;

  net::Task<Result<void>> get_slot();
  net::Task<Result<void>> put();
  net::Task<Result<void>> find_offset();
  net::Task<Result<void>> patch();
  net::Task<Result<void>> send(HttpCall call, SocketUrl url, std::uint64_t from);
  HttpCall call(std::string method) const;
  void note_resource(const net::HttpResponseHead& interim);

  Upload upload_;
  const FindService find_service_;
  const Done done_;
  std::optional<FileReader> file_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::optional<UploadService> service_;
  UploadSlot slot_;
  SocketUrl slot_url_;
  std::optional<SocketUrl> resource_;  // of the upload, where the server can go on
  std::uint64_t offset_ = 0;           // that it has
  bool whole_ = false;                 // it has all of it
};

}  // namespace anser::sdk
