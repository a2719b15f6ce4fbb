#include "store/memory/files.h"

#include <algorithm>
#include <set>

namespace anser::store {

using domain::FileRecord;
using domain::UploadRecord;

// ---- the index ------------------------------------------------------------------------------------------------------

MemoryFileIndex::Files::iterator MemoryFileIndex::find(std::string_view id) {
  return std::ranges::find_if(files_, [id](const auto& entry) { return entry.second.id == id; });
}

Result<void> MemoryFileIndex::begin_upload(const UploadRecord& upload) {
  const std::lock_guard lock{mutex_};
  if (uploads_.contains(upload.id) || find(upload.id) != files_.end())
    return fail(Errc::conflict, "there is such an upload already");
  uploads_.emplace(upload.id, upload);
  return {};
}

Result<void> MemoryFileIndex::update_upload(const UploadRecord& upload) {
  const std::lock_guard lock{mutex_};
  const auto at = uploads_.find(upload.id);
  if (at == uploads_.end()) return fail(Errc::not_found, "there is no such upload");
  const core::Jid owner = at->second.owner;
  at->second = upload;
  at->second.owner = owner;
  return {};
}

Result<std::optional<UploadRecord>> MemoryFileIndex::find_upload(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto at = uploads_.find(id);
  if (at == uploads_.end()) return std::nullopt;
  return at->second;
}

Result<void> MemoryFileIndex::remove_upload(std::string_view id) {
  const std::lock_guard lock{mutex_};
  if (const auto at = uploads_.find(id); at != uploads_.end()) uploads_.erase(at);
  return {};
}

Result<void> MemoryFileIndex::finish_uploads(std::span<const FileRecord> files, bool keep_uploads) {
  const std::lock_guard lock{mutex_};
  for (const FileRecord& file : files) {
    if (find(file.id) != files_.end()) return fail(Errc::conflict, "there is such a file already");
  }
  for (const FileRecord& file : files) {
    files_.emplace(++last_, file);
    const auto at = uploads_.find(file.id);
    if (at == uploads_.end()) continue;
    if (!keep_uploads) {
      uploads_.erase(at);
      continue;
    }
    at->second.whole = true;
    at->second.held = 0;
    at->second.length = file.size;
  }
  return {};
}

Result<std::optional<FileRecord>> MemoryFileIndex::find_file(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto at = find(id);
  if (at == files_.end()) return std::nullopt;
  return at->second;
}

Result<std::vector<std::string>> MemoryFileIndex::find_content(std::uint64_t size, std::string_view fingerprint,
                                                               std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> found;
  for (const auto& [number, file] : files_) {
    if (found.size() >= limit) break;
    if (file.size != size || file.fingerprint != fingerprint) continue;
    if (std::ranges::find(found, file.content) == found.end()) found.push_back(file.content);
  }
  return found;
}

Result<std::vector<FileRecord>> MemoryFileIndex::list_files(const core::Jid& owner, std::string_view before,
                                                            std::size_t limit) {
  const std::lock_guard lock{mutex_};
  auto below = files_.end();
  if (!before.empty()) {
    below = find(before);
    if (below == files_.end() || below->second.owner != owner) return fail(Errc::not_found, "there is no such file");
  }
  std::vector<FileRecord> found;
  while (below != files_.begin() && found.size() < limit) {
    --below;
    if (below->second.owner == owner) found.push_back(below->second);
  }
  return found;
}

Result<bool> MemoryFileIndex::remove_file(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto at = find(id);
  if (at == files_.end()) return fail(Errc::not_found, "there is no such file");
  const std::string content = at->second.content;
  files_.erase(at);
  return std::ranges::none_of(files_, [&](const auto& entry) { return entry.second.content == content; });
}

Result<domain::FileUse> MemoryFileIndex::use_of(const core::Jid& owner, Time now) {
  const std::lock_guard lock{mutex_};
  domain::FileUse use;
  for (const auto& [number, file] : files_) {
    if (file.owner != owner || (file.expires != Time{} && file.expires <= now)) continue;
    use.bytes += file.size;
    ++use.files;
  }
  for (const auto& [id, upload] : uploads_) {
    if (upload.owner != owner || upload.expires <= now) continue;
    use.bytes += upload.held;
    if (upload.partial || !upload.whole) ++use.unfinished;
  }
  return use;
}

Result<std::vector<FileRecord>> MemoryFileIndex::ended_files(Time now, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<FileRecord> ended;
  for (const auto& [number, file] : files_) {
    if (ended.size() < limit && file.expires != Time{} && file.expires <= now) ended.push_back(file);
  }
  return ended;
}

Result<std::vector<UploadRecord>> MemoryFileIndex::ended_uploads(Time now, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<UploadRecord> ended;
  for (const auto& [id, upload] : uploads_) {
    if (ended.size() < limit && upload.expires <= now) ended.push_back(upload);
  }
  return ended;
}

Result<bool> MemoryFileIndex::has_content(std::string_view content) {
  const std::lock_guard lock{mutex_};
  return std::ranges::any_of(files_, [&](const auto& entry) { return entry.second.content == content; });
}

Result<bool> MemoryFileIndex::has_upload(std::string_view id) {
  const std::lock_guard lock{mutex_};
  return uploads_.contains(id);
}

Result<std::vector<std::string>> MemoryFileIndex::files_of(const core::Jid& owner, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::set<std::string> ids;
  for (const auto& [number, file] : files_) {
    if (file.owner == owner) ids.insert(file.id);
  }
  for (const auto& [id, upload] : uploads_) {
    if (upload.owner == owner) ids.insert(id);
  }
  std::vector<std::string> found{ids.begin(), ids.end()};
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<core::Jid>> MemoryFileIndex::owners(std::string_view after, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  std::set<core::Jid> all;
  for (const auto& [number, file] : files_) all.insert(file.owner);
  for (const auto& [id, upload] : uploads_) all.insert(upload.owner);
  std::erase_if(all, [after](const core::Jid& owner) { return owner.full() <= after; });
  std::vector<core::Jid> found{all.begin(), all.end()};
  if (found.size() > limit) found.resize(limit);
  return found;
}

// ---- the bytes ------------------------------------------------------------------------------------------------------

Result<void> MemoryFileContent::create(std::string_view id) {
  const std::lock_guard lock{mutex_};
  if (!unfinished_.try_emplace(std::string{id}).second) return fail(Errc::conflict, "there is such an upload already");
  return {};
}

Result<void> MemoryFileContent::append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) {
  const std::lock_guard lock{mutex_};
  const auto at = unfinished_.find(id);
  if (at == unfinished_.end()) return fail(Errc::not_found, "there is no such upload");
  if (at->second.size() != offset) return fail(Errc::conflict, "the upload has {} bytes", at->second.size());
  at->second.append(bytes.data(), bytes.size());
  return {};
}

Result<std::uint64_t> MemoryFileContent::size(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto at = unfinished_.find(id);
  if (at == unfinished_.end()) return fail(Errc::not_found, "there is no such upload");
  return at->second.size();
}

Result<void> MemoryFileContent::sync(std::string_view id) {
  const auto there = size(id);
  return there ? Result<void>{} : pass(there);
}

Result<void> MemoryFileContent::discard(std::string_view id) {
  const std::lock_guard lock{mutex_};
  if (const auto at = unfinished_.find(id); at != unfinished_.end()) unfinished_.erase(at);
  return {};
}

Result<void> MemoryFileContent::seal(std::string_view id, std::string_view content) {
  const std::lock_guard lock{mutex_};
  const auto at = unfinished_.find(id);
  if (at == unfinished_.end()) return fail(Errc::not_found, "there is no such upload");
  const auto [place, fresh] = contents_.try_emplace(std::string{content}, at->second);
  if (!fresh && place->second != at->second) return fail(Errc::conflict, "there is such a content already");
  return {};
}

Result<std::size_t> MemoryFileContent::read_from(const Bytes& all, std::string_view id, std::uint64_t offset,
                                                 std::span<char> into) {
  const auto at = all.find(id);
  if (at == all.end()) return fail(Errc::not_found, "there is no such file");
  if (offset >= at->second.size()) return std::size_t{0};
  return at->second.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
}

Result<std::size_t> MemoryFileContent::read(std::string_view content, std::uint64_t offset, std::span<char> into) {
  const std::lock_guard lock{mutex_};
  return read_from(contents_, content, offset, into);
}

Result<std::size_t> MemoryFileContent::read_unfinished(std::string_view id, std::uint64_t offset,
                                                       std::span<char> into) {
  const std::lock_guard lock{mutex_};
  return read_from(unfinished_, id, offset, into);
}

Result<void> MemoryFileContent::remove(std::string_view content) {
  const std::lock_guard lock{mutex_};
  if (const auto at = contents_.find(content); at != contents_.end()) contents_.erase(at);
  return {};
}

std::vector<std::string> MemoryFileContent::names(const Bytes& all, std::string_view after, std::size_t limit) {
  std::vector<std::string> found;
  for (auto at = all.upper_bound(after); at != all.end() && found.size() < limit; ++at) found.push_back(at->first);
  return found;
}

Result<std::vector<std::string>> MemoryFileContent::unfinished(std::string_view after, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  return names(unfinished_, after, limit);
}

Result<std::vector<std::string>> MemoryFileContent::contents(std::string_view after, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  return names(contents_, after, limit);
}

}  // namespace anser::store
