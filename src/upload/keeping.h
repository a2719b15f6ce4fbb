// What workers do with files: everything here blocks, and nothing here knows a coroutine. The order of the steps is
// what makes a crash harmless: a name that can be asked for stands for bytes that are on disk, and whatever else a
// crash leaves is found by the sweep.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/files.h"
#include "upload/claims.h"

namespace anser::upload {

class Keeping {
 public:
  Keeping(domain::FileIndex& index, domain::FileContent& content, const Clock& clock, Claims& claims)
      : index_(index), content_(content), clock_(clock), claims_(claims) {}

  // Uploads that become files together, all of them or, after an error or a crash, none. Who adds holds a claim on each
  // until commit() has returned. What goes without commit() leaves contents, for whoever gives the claims back.
  class Entering {
   public:
    explicit Entering(Keeping& keeping) : keeping_(keeping) {}
    Entering(const Entering&) = delete;
    Entering& operator=(const Entering&) = delete;
    ~Entering() { unpin(); }

    // All bytes of the upload are there: finds out the content and the fingerprint of `file`. Nothing is left of any
    // after an error.
    Result<void> add(domain::FileRecord file);
    // `keep`: there are records of the uploads, which stay. `unwanted` is asked at the end: then the files go again
    // (Errc::not_found).
    Result<std::vector<domain::FileRecord>> commit(bool keep, const std::function<bool()>& unwanted);

   private:
    Result<void> place(domain::FileRecord& file);
    void give_up();
    void unpin();

    Keeping& keeping_;
    std::vector<domain::FileRecord> files_;
    std::vector<std::string> sealed_, pinned_;  // contents: new ones, and those that others have
  };

  // Unless a file has it. Who calls holds the claim on the upload that it was, or has removed a file of it.
  void remove_content(std::string_view content);
  // Errc::not_found.
  Result<void> remove(std::string_view id);
  Result<void> remove_upload(std::string_view id);
  // All that an owner has; who adds to it meanwhile is condemned before (claims.h).
  Result<void> remove_all_of(const core::Jid& owner);

  bool sweep();

 private:
  Result<std::string> fingerprint_of(std::string_view id, std::uint64_t size);
  // A content with the same bytes, pinned; "" if there is none.
  Result<std::string> same_as(const domain::FileRecord& file, std::size_t candidates);
  Result<bool> equal(std::string_view id, std::string_view content, std::uint64_t size);
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
