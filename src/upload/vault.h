// The door's way to the files: what may be begun, goes on, becomes whole, is read and removed. The rules (limits,
// quotas, ends) are here; bytes and records are the ports' (domain/files.h), and every call to them runs on a worker.
//
// The functions are coroutines of the calling core. An upload is one request's at a time: OpenUpload is the claim.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/files.h"
#include "net/task.h"
#include "net/workers.h"
#include "upload/settings.h"

namespace anser::upload {

struct NewUpload {
  core::Jid owner = {};  // bare; empty: nobody's
  std::string name = {}, type = {};
  std::string metadata = {};
  std::optional<std::uint64_t> length = {};  // of the whole file; then the quota is held for all of it
  bool resumable = false;                    // kept when its request ends early; else it goes with OpenUpload
  bool partial = false;                      // tus
  std::string id = {};                       // a slot's; else a new one
  Time file_expires = {};                    // {}: as configured
};

// An upload in the hands of one request, on one core. Movable. When it goes: one that is not resumable and not whole is
// removed, in the background; of the others what came stays.
class OpenUpload {
 public:
  struct State;
  OpenUpload(OpenUpload&&) noexcept;
  OpenUpload& operator=(OpenUpload&&) noexcept;
  ~OpenUpload();

  const domain::UploadRecord& record() const;
  std::uint64_t offset() const;
  // A newer request wants it: end soon. Called once at most, on this core.
  void on_unwanted(std::function<void()> stop);
  bool unwanted() const;
  // The key for /delete/ID/KEY of an upload without an owner, known only to the request that began it; "".
  const std::string& removal_key() const;

 private:
  friend class Vault;
  explicit OpenUpload(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Vault {
 public:
  Vault(domain::FileIndex& index, domain::FileContent& content, net::Workers& workers, const Clock& clock,
        std::function<SharedSettings()> settings);
  ~Vault();

  // Errc::policy_violation  longer than a file may be
  // Errc::resource_limit    the quota
  // Errc::forbidden         the owner has as many files as may be
  // Errc::queue_full        too many at once, of this account or on this core; or workers have too much to do
  // Errc::conflict          that slot has been used
  // Errc::closed            the server stops
  // Errc::disk_full, storage_failed, io
  net::Task<Result<OpenUpload>> begin(NewUpload upload);
  // One that was begun: waits until the request that has it lets go (at most 10 s: then Errc::timeout; closed when a
  // still newer one waits).
  // Errc::not_found: none of that id, or it has ended. Errc::not_authorized: `may`, which is called on a worker, does
  // not allow it; then who has it is not disturbed.
  using May = std::function<bool(const domain::UploadRecord&)>;
  net::Task<Result<OpenUpload>> open(std::string id, May may);
  // What has come of it; never empty. Errc::io.
  net::Task<Result<std::string>> read_back(const OpenUpload& upload, std::uint64_t offset, std::size_t size);
  // Bytes at its end, which a worker reads until it has returned (or, if the loop ends before, until the workers have
  // stopped). Errc::policy_violation: beyond its length, or a file's; nothing is written then. Errc::resource_limit:
  // beyond the quota.
  net::Task<Result<void>> append(OpenUpload& upload, std::string_view bytes);
  // What has come so far outlives a loss of power: due before an offset is confirmed. The upload's end moves away.
  net::Task<Result<void>> confirm(OpenUpload& upload);
  // The length becomes known (tus, the draft). Errc::conflict: it is known and another; policy_violation,
  // resource_limit.
  net::Task<Result<void>> set_length(OpenUpload& upload, std::uint64_t length);
  // It is whole: from then on find() has it (of a partial one nobody but append_all() ever hears). Errc::conflict when
  // bytes are missing. When it fails for another reason nothing is lost: it may be tried again.
  net::Task<Result<domain::FileRecord>> finish(OpenUpload& upload);
  // The same for uploads of one request: all of them are files then, or, on an error and after a crash, none. They are
  // neither partial nor resumable, and outlive the task.
  net::Task<Result<std::vector<domain::FileRecord>>> finish_all(std::vector<OpenUpload*> uploads);
  // tus concatenation: the file is the bytes of these, in order. Errc::conflict: one of them is not whole.
  net::Task<Result<void>> append_all(OpenUpload& upload, std::vector<std::string> parts);
  // All bytes of the other one, whatever they are, at the end of this one. Errors as of append().
  net::Task<Result<void>> append_upload(OpenUpload& upload, const OpenUpload& other);
  net::Task<Result<void>> abandon(OpenUpload upload);

  net::Task<Result<std::optional<domain::FileRecord>>> find(std::string id);  // none: ended, too
  // At most `size` bytes; fewer at the end.
  net::Task<Result<std::string>> read(const domain::FileRecord& file, std::uint64_t offset, std::size_t size);
  net::Task<Result<std::vector<domain::FileRecord>>> list(core::Jid owner, std::string before, std::size_t limit);
  net::Task<Result<domain::FileUse>> use_of(core::Jid owner);
  net::Task<Result<void>> remove(std::string id);
  // Does this key remove it?
  static bool is_removal_key(const domain::FileRecord& file, std::string_view key);

  // Removes what has ended and what nobody knows of, a bounded piece of work; on any worker, at start and each hour.
  // True: there is more to look at.
  bool sweep();
  // An account goes: what is under way of it ends, its files are removed. On a worker; what fails is tried again by the
  // next call. Errc::disk_full, storage_failed, queue_full.
  Result<void> remove_all_of(const core::Jid& owner);

  // The server stops: everybody is asked to let go, nothing more is begun. Any thread.
  void end_all();
  std::size_t under_way() const;

 private:
  friend struct OpenUpload::State;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace anser::upload
