#include "upload/keeping.h"

#include <algorithm>

#include "base/log.h"
#include "core/crypto.h"

namespace anser::upload {
namespace {

constexpr std::size_t kEdge = 64 * 1024;      // of each end, for the fingerprint
constexpr std::size_t kCompared = 64 * 1024;  // at once
constexpr std::size_t kCandidates = 4;        // that a new file is compared with
constexpr std::size_t kEndedAtOnce = 256, kRemovedAtOnce = 256, kNamesAtOnce = 1'000;

void complain(std::string_view what, const Error& error) { log::warn("upload", "{}: {}", what, error.message); }

}  // namespace

// ---- a file that is whole -------------------------------------------------------------------------------------------

Result<std::string> Keeping::fingerprint_of(std::string_view id, std::uint64_t size) {
  core::Sha256 hash;
  std::string edge(static_cast<std::size_t>(std::min<std::uint64_t>(kEdge, size)), '\0');
  for (const std::uint64_t offset : {std::uint64_t{0}, size - edge.size()}) {
    const auto got = content_.read_unfinished(id, offset, edge);
    if (!got) return pass(got);
    if (*got != edge.size()) return fail(Errc::io, "a file of uploads has lost bytes");
    hash.add(edge);
  }
  const auto digest = hash.finish();
  return std::string{reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<bool> Keeping::equal(std::string_view id, std::string_view content, std::uint64_t size) {
  std::string ours(kCompared, '\0'), theirs(kCompared, '\0');
  for (std::uint64_t offset = 0; offset < size; offset += kCompared) {
    const auto mine = content_.read_unfinished(id, offset, ours);
    if (!mine) return pass(mine);
    const auto other = content_.read(content, offset, theirs);
    if (!other) return pass(other);
    if (*mine != *other || !std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(*mine), theirs.begin()))
      return false;
  }
  return true;
}

Result<std::string> Keeping::same_as(const domain::FileRecord& file, std::size_t candidates) {
  const auto found = index_.find_content(file.size, file.fingerprint, candidates);
  if (!found) return pass(found);
  for (const auto& candidate : *found) {
    if (!pins_.pin(candidate)) continue;
    // Whoever took the last file of it away before it was pinned removes it, or has.
    const auto there = index_.has_content(candidate);
    const auto same = there && *there ? equal(file.id, candidate, file.size) : Result<bool>{false};
    if (same && *same) return candidate;
    pins_.unpin(candidate);
    if (!there) return pass(there);
    if (!same) complain("a file could not be compared", same.error());
  }
  return std::string{};
}

Result<void> Keeping::Entering::place(domain::FileRecord& file) {
  auto fingerprint = keeping_.fingerprint_of(file.id, file.size);
  if (!fingerprint) return pass(fingerprint);
  file.fingerprint = std::move(*fingerprint);
  std::size_t compared = 0;
  for (const auto& other : files_) {
    if (other.size != file.size || other.fingerprint != file.fingerprint) continue;
    if (compared == kCandidates) break;
    ++compared;
    const auto same = keeping_.equal(file.id, other.content, file.size);
    if (!same) return pass(same);
    if (!*same) continue;
    file.content = other.content;
    return {};
  }
  auto same = keeping_.same_as(file, kCandidates - compared);
  if (!same) return pass(same);
  if (!same->empty()) {
    pinned_.push_back(*same);
    file.content = std::move(*same);
    return {};
  }
  file.content = file.id;
  sealed_.push_back(file.content);  // also if only the last step of it fails
  return keeping_.content_.seal(file.id, file.content);
}

Result<void> Keeping::Entering::add(domain::FileRecord file) {
  auto placed = place(file);
  if (!placed) {
    give_up();
    return placed;
  }
  files_.push_back(std::move(file));
  return {};
}

Result<std::vector<domain::FileRecord>> Keeping::Entering::commit(bool keep, const std::function<bool()>& unwanted) {
  if (auto done = keeping_.index_.finish_uploads(files_, keep); !done) {
    give_up();
    return pass(done);
  }
  unpin();
  for (const auto& file : files_) {
    if (auto gone = keeping_.content_.discard(file.id); !gone)
      complain("an upload that is whole stays twice", gone.error());
  }
  if (unwanted && unwanted()) {
    for (const auto& file : files_) static_cast<void>(keeping_.remove(file.id));
    return fail(Errc::not_found, "the account is gone");
  }
  return std::move(files_);
}

void Keeping::Entering::give_up() {
  for (const auto& content : sealed_) keeping_.remove_content(content);
  sealed_.clear();
  files_.clear();
  unpin();
}

void Keeping::Entering::unpin() {
  for (const auto& content : pinned_) keeping_.pins_.unpin(content);
  pinned_.clear();
}

// ---- removing -------------------------------------------------------------------------------------------------------

// If it cannot be removed now, the sweep will find that nobody has it.
void Keeping::remove_content(std::string_view content) {
  if (!pins_.begin_removal(content)) return;
  const auto used = index_.has_content(content);
  if (used && !*used) {
    if (auto removed = content_.remove(content); !removed) complain("a file stays for now", removed.error());
  }
  pins_.end_removal(content);
}

Result<void> Keeping::remove(std::string_view id) {
  const auto file = index_.find_file(id);
  if (!file) return pass(file);
  if (!*file) return fail(Errc::not_found, "there is no such file");
  const auto last = index_.remove_file(id);
  if (!last) return pass(last);
  if (*last) remove_content((*file)->content);
  const auto remembered = index_.has_upload(id);
  if (!remembered) return pass(remembered);
  return *remembered ? index_.remove_upload(id) : Result<void>{};
}

// The record last: as long as it is there, the bytes count.
Result<void> Keeping::remove_upload(std::string_view id) {
  if (auto gone = content_.discard(id); !gone) return gone;
  const auto there = index_.has_upload(id);
  if (!there) return pass(there);
  return *there ? index_.remove_upload(id) : Result<void>{};
}

Result<void> Keeping::remove_all_of(const core::Jid& owner) {
  for (;;) {
    const auto ids = index_.files_of(owner, kRemovedAtOnce);
    if (!ids) return pass(ids);
    if (ids->empty()) return {};
    for (const auto& id : *ids) {
      const auto file = remove(id);
      if (!file && file.error().code != Errc::not_found) return file;
      if (auto upload = remove_upload(id); !upload) return upload;
    }
  }
}

// ---- the sweep ------------------------------------------------------------------------------------------------------

bool Keeping::sweep() {
  const std::lock_guard lock{sweeping_};
  const bool ended = sweep_ended(), unfinished = sweep_unfinished(), contents = sweep_contents();
  return ended || unfinished || contents;
}

// What fails is left for the next hour: there is never more to look at because of it.
bool Keeping::sweep_ended() {
  const Time now = clock_.now();
  const auto files = index_.ended_files(now, kEndedAtOnce);
  if (!files) return complain("files that have ended stay", files.error()), false;
  std::size_t done = 0;
  for (const auto& file : *files) {
    if (remove(file.id)) ++done;
  }
  const auto uploads = index_.ended_uploads(now, kEndedAtOnce);
  if (!uploads) return complain("uploads that have ended stay", uploads.error()), false;
  std::size_t gone = 0;
  for (const auto& upload : *uploads) {
    const auto claim = claims_.take_to_remove(upload.id);
    if (!claim) continue;
    const auto now_there = index_.find_upload(upload.id);
    if (now_there && *now_there && (*now_there)->expires <= now && remove_upload(upload.id)) ++gone;
  }
  if (done + gone > 0) log::debug("upload", "{} files and {} uploads have ended", done, gone);
  return (files->size() == kEndedAtOnce && done > 0) || (uploads->size() == kEndedAtOnce && gone > 0);
}

bool Keeping::sweep_unfinished() {
  const auto names = content_.unfinished(unfinished_after_, kNamesAtOnce);
  if (!names) return complain("uploads could not be looked through", names.error()), false;
  for (const auto& name : *names) {
    const auto claim = claims_.take_to_remove(name);
    if (!claim) continue;
    const auto upload = index_.find_upload(name);
    if (!upload || (*upload && (!(*upload)->whole || (*upload)->partial))) continue;
    if (auto gone = content_.discard(name); !gone) complain("an upload that nobody knows stays", gone.error());
  }
  const bool more = names->size() == kNamesAtOnce;
  unfinished_after_ = more ? names->back() : "";
  return more;
}

bool Keeping::sweep_contents() {
  const auto names = content_.contents(contents_after_, kNamesAtOnce);
  if (!names) return complain("files could not be looked through", names.error()), false;
  for (const auto& name : *names) {
    // A content has the name of the upload that it was: while that is in somebody's hands, it may be about to be used.
    const auto claim = claims_.take_to_remove(name);
    if (!claim) continue;
    const auto used = index_.has_content(name);
    if (used && !*used) remove_content(name);
  }
  const bool more = names->size() == kNamesAtOnce;
  contents_after_ = more ? names->back() : "";
  return more;
}

}  // namespace anser::upload
