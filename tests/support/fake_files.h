// Files in memory, and whatever goes wrong with them: each call fails with the error that a test has set for it. Any
// thread.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "domain/files.h"

namespace anser::domain {

// Which call fails, and how: `faults.set("append", Errc::disk_full, 2)`, the third and all later ones.
class Faults {
 public:
  void set(std::string call, Errc code, std::size_t after = 0) {
    const std::lock_guard lock{mutex_};
    faults_[std::move(call)] = {code, after};
  }
  Result<void> due(std::string_view call) {
    const std::lock_guard lock{mutex_};
    const auto found = faults_.find(call);
    if (found == faults_.end()) return {};
    if (found->second.second > 0) {
      --found->second.second;
      return {};
    }
    return fail(found->second.first, "{} was told to fail", call);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::pair<Errc, std::size_t>, std::less<>> faults_;
};

class FakeFileIndex final : public FileIndex {
 public:
  Faults faults;

  std::size_t files() const {
    const std::lock_guard lock{mutex_};
    return files_.size();
  }

  Result<void> begin_upload(const UploadRecord& upload) override {
    if (auto fault = faults.due("begin_upload"); !fault) return fault;
    const std::lock_guard lock{mutex_};
    if (position(upload.id) != files_.end() || !uploads_.emplace(upload.id, upload).second)
      return fail(Errc::conflict, "taken");
    return {};
  }
  Result<void> update_upload(const UploadRecord& upload) override {
    const std::lock_guard lock{mutex_};
    const auto found = uploads_.find(upload.id);
    if (found == uploads_.end()) return fail(Errc::not_found, "no upload");
    found->second = upload;
    return {};
  }
  Result<std::optional<UploadRecord>> find_upload(std::string_view id) override {
    const std::lock_guard lock{mutex_};
    const auto found = uploads_.find(id);
    return found == uploads_.end() ? std::optional<UploadRecord>{} : found->second;
  }
  Result<void> remove_upload(std::string_view id) override {
    const std::lock_guard lock{mutex_};
    uploads_.erase(std::string{id});
    return {};
  }
  Result<void> finish_upload(const FileRecord& file, bool keep_upload) override {
    if (auto fault = faults.due("finish_upload"); !fault) return fault;
    const std::lock_guard lock{mutex_};
    if (position(file.id) != files_.end()) return fail(Errc::conflict, "there is such a file");
    files_.push_back(file);
    const auto found = uploads_.find(file.id);
    if (found == uploads_.end()) return {};
    found->second.whole = true;
    if (!keep_upload) uploads_.erase(found);
    return {};
  }
  Result<std::optional<FileRecord>> find_file(std::string_view id) override {
    if (auto fault = faults.due("find_file"); !fault) return pass(fault);
    const std::lock_guard lock{mutex_};
    const auto found = position(id);
    return found == files_.end() ? std::optional<FileRecord>{} : *found;
  }
  Result<std::vector<std::string>> find_content(std::uint64_t size, std::string_view fingerprint,
                                                std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> all;
    for (const auto& file : files_) {
      const bool same = file.size == size && file.fingerprint == fingerprint;
      if (same && all.size() < limit && std::ranges::find(all, file.content) == all.end()) all.push_back(file.content);
    }
    return all;
  }
  Result<std::vector<FileRecord>> list_files(const core::Jid& owner, std::string_view before,
                                             std::size_t limit) override {
    if (auto fault = faults.due("list_files"); !fault) return pass(fault);
    const std::lock_guard lock{mutex_};
    std::vector<FileRecord> all;
    for (auto at = before.empty() ? files_.end() : position(before); at != files_.begin() && all.size() < limit;) {
      if ((--at)->owner == owner) all.push_back(*at);
    }
    return all;
  }
  Result<bool> remove_file(std::string_view id) override {
    if (auto fault = faults.due("remove_file"); !fault) return pass(fault);
    const std::lock_guard lock{mutex_};
    const auto found = position(id);
    if (found == files_.end()) return fail(Errc::not_found, "no file");
    const std::string content = found->content;
    files_.erase(found);
    return std::ranges::none_of(files_, [&](const auto& file) { return file.content == content; });
  }
  Result<FileUse> use_of(const core::Jid& owner) override {
    const std::lock_guard lock{mutex_};
    FileUse use;
    for (const auto& file : files_) {
      if (file.owner != owner) continue;
      use.bytes += file.size;
      ++use.files;
    }
    return use;
  }
  Result<std::vector<FileRecord>> ended_files(Time now, std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    std::vector<FileRecord> all;
    for (const auto& file : files_) {
      if (file.expires != Time{} && file.expires <= now && all.size() < limit) all.push_back(file);
    }
    return all;
  }
  Result<std::vector<UploadRecord>> ended_uploads(Time now, std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    std::vector<UploadRecord> all;
    for (const auto& [id, upload] : uploads_) {
      if (upload.expires <= now && all.size() < limit) all.push_back(upload);
    }
    return all;
  }
  Result<bool> has_content(std::string_view content) override {
    const std::lock_guard lock{mutex_};
    return std::ranges::any_of(files_, [&](const auto& file) { return file.content == content; });
  }
  Result<bool> has_upload(std::string_view id) override {
    const std::lock_guard lock{mutex_};
    return uploads_.contains(id);
  }
  Result<std::vector<std::string>> files_of(const core::Jid& owner, std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> all;
    for (const auto& file : files_) {
      if (file.owner == owner && all.size() < limit) all.push_back(file.id);
    }
    return all;
  }

 private:
  std::vector<FileRecord>::iterator position(std::string_view id) {
    return std::ranges::find(files_, id, &FileRecord::id);
  }

  mutable std::mutex mutex_;
  std::vector<FileRecord> files_;  // oldest first
  std::map<std::string, UploadRecord, std::less<>> uploads_;
};

class FakeFileContent final : public FileContent {
 public:
  Faults faults;

  std::size_t under_way() const {
    const std::lock_guard lock{mutex_};
    return unfinished_.size();
  }
  std::size_t whole() const {
    const std::lock_guard lock{mutex_};
    return contents_.size();
  }
  // A disk that has lost the end of every file.
  void cut(std::size_t size) {
    const std::lock_guard lock{mutex_};
    for (auto& [name, bytes] : contents_) bytes.resize(std::min(size, bytes.size()));
  }

  Result<void> create(std::string_view id) override {
    if (auto fault = faults.due("create"); !fault) return fault;
    const std::lock_guard lock{mutex_};
    return unfinished_.emplace(id, "").second ? Result<void>{} : fail(Errc::conflict, "it is there");
  }
  Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) override {
    if (auto fault = faults.due("append"); !fault) return fault;
    const std::lock_guard lock{mutex_};
    const auto found = unfinished_.find(id);
    if (found == unfinished_.end()) return fail(Errc::not_found, "nothing under way");
    if (found->second.size() != offset) return fail(Errc::conflict, "not its end");
    found->second.append(bytes.data(), bytes.size());
    return {};
  }
  Result<std::uint64_t> size(std::string_view id) override {
    const std::lock_guard lock{mutex_};
    const auto found = unfinished_.find(id);
    if (found == unfinished_.end()) return fail(Errc::not_found, "nothing under way");
    return found->second.size();
  }
  Result<void> sync(std::string_view) override { return faults.due("sync"); }
  Result<void> discard(std::string_view id) override {
    const std::lock_guard lock{mutex_};
    unfinished_.erase(std::string{id});
    return {};
  }
  Result<void> seal(std::string_view id, std::string_view content) override {
    if (auto fault = faults.due("seal"); !fault) return fault;
    const std::lock_guard lock{mutex_};
    const auto found = unfinished_.find(id);
    if (found == unfinished_.end()) return fail(Errc::not_found, "nothing under way");
    contents_[std::string{content}] = found->second;
    return {};
  }
  Result<std::size_t> read(std::string_view content, std::uint64_t offset, std::span<char> into) override {
    if (auto fault = faults.due("read"); !fault) return pass(fault);
    return read_from(contents_, content, offset, into);
  }
  Result<std::size_t> read_unfinished(std::string_view id, std::uint64_t offset, std::span<char> into) override {
    return read_from(unfinished_, id, offset, into);
  }
  Result<void> remove(std::string_view content) override {
    const std::lock_guard lock{mutex_};
    contents_.erase(std::string{content});
    return {};
  }
  Result<std::vector<std::string>> unfinished(std::string_view after, std::size_t limit) override {
    return names(unfinished_, after, limit);
  }
  Result<std::vector<std::string>> contents(std::string_view after, std::size_t limit) override {
    return names(contents_, after, limit);
  }

 private:
  using Bytes = std::map<std::string, std::string, std::less<>>;

  Result<std::size_t> read_from(const Bytes& all, std::string_view name, std::uint64_t offset, std::span<char> into) {
    const std::lock_guard lock{mutex_};
    const auto found = all.find(name);
    if (found == all.end()) return fail(Errc::not_found, "no such bytes");
    if (offset >= found->second.size()) return std::size_t{0};
    return found->second.copy(into.data(), into.size(), offset);
  }
  Result<std::vector<std::string>> names(const Bytes& all, std::string_view after, std::size_t limit) {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> some;
    for (auto at = all.upper_bound(after); at != all.end() && some.size() < limit; ++at) some.push_back(at->first);
    return some;
  }

  mutable std::mutex mutex_;
  Bytes unfinished_, contents_;
};

}  // namespace anser::domain
