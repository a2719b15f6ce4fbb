// What workers do with files: everything here blocks, and nothing here knows a coroutine. The order of the steps is
// what makes a crash harmless: a name that can be asked for stands for bytes that are on disk, and whatever else a
// crash leaves is found by the sweep.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "domain/files.h"
#include "upload/claims.h"

namespace anser::upload {

class Keeping {
 public:
  Keeping(domain::FileIndex& index, domain::FileContent& content, const Clock& clock, Claims& claims)
      : index_(index), content_(content), clock_(clock), claims_(claims) {}

  // All bytes of the upload are there: makes it `file`, whose content and fingerprint are found out. `keep`: there is a
  // record of the upload, which stays. `unwanted` is asked at the end: then the file goes again (Errc::not_found).
  Result<domain::FileRecord> enter(domain::FileRecord file, bool keep, const std::function<bool()>& unwanted);
  // Errc::not_found.
  Result<void> remove(std::string_view id);
  Result<void> remove_upload(std::string_view id);
  // All that an owner has; who adds to it meanwhile is condemned before (claims.h).
  Result<void> remove_all_of(const core::Jid& owner);

  bool sweep();

 private:
  Result<std::string> fingerprint_of(std::string_view id, std::uint64_t size);
  // A content with the same bytes, pinned; "" if there is none.
  Result<std::string> same_as(const domain::FileRecord& file);
  Result<bool> equal(std::string_view id, std::string_view content, std::uint64_t size);
  void remove_content(std::string_view content);

  bool sweep_ended();
  bool sweep_unfinished();
  bool sweep_contents();

  domain::FileIndex& index_;
  domain::FileContent& content_;
  const Clock& clock_;
  Claims& claims_;
  Pins pins_;

  std::mutex sweeping_;  // one sweep at a time; guards the two below
  std::string unfinished_after_, contents_after_;
};

}  // namespace anser::upload
