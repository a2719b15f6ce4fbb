// Files in memory, and whatever goes wrong with them: each call fails with the error that a test has set for it. Any
// thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "store/memory/files.h"

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

inline constexpr std::size_t kAllFiles = 10'000;

class FakeFileIndex final : public store::MemoryFileIndex {
 public:
  Faults faults;

  std::size_t files() {
    std::size_t all = list_files({}, {}, kAllFiles)->size();
    const auto all_owners = owners({}, kAllFiles);
    for (const auto& owner : *all_owners) {
      if (!owner.empty()) all += list_files(owner, {}, kAllFiles)->size();
    }
    return all;
  }

  Result<void> begin_upload(const UploadRecord& upload) override {
    if (auto fault = faults.due("begin_upload"); !fault) return fault;
    return MemoryFileIndex::begin_upload(upload);
  }
  Result<void> finish_upload(const FileRecord& file, bool keep_upload) override {
    if (auto fault = faults.due("finish_upload"); !fault) return fault;
    return MemoryFileIndex::finish_upload(file, keep_upload);
  }
  Result<std::optional<FileRecord>> find_file(std::string_view id) override {
    if (auto fault = faults.due("find_file"); !fault) return pass(fault);
    return MemoryFileIndex::find_file(id);
  }
};

class FakeFileContent final : public store::MemoryFileContent {
 public:
  Faults faults;

  std::size_t under_way() { return unfinished({}, kAllFiles)->size(); }
  std::size_t whole() { return contents({}, kAllFiles)->size(); }
  // A disk that has lost the end of every file.
  void cut(std::size_t size) { kept_ = size; }

  Result<void> create(std::string_view id) override {
    if (auto fault = faults.due("create"); !fault) return fault;
    return MemoryFileContent::create(id);
  }
  Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) override {
    if (auto fault = faults.due("append"); !fault) return fault;
    return MemoryFileContent::append(id, offset, bytes);
  }
  Result<void> sync(std::string_view id) override {
    if (auto fault = faults.due("sync"); !fault) return fault;
    return MemoryFileContent::sync(id);
  }
  Result<void> seal(std::string_view id, std::string_view content) override {
    if (auto fault = faults.due("seal"); !fault) return fault;
    return MemoryFileContent::seal(id, content);
  }
  Result<std::size_t> read(std::string_view content, std::uint64_t offset, std::span<char> into) override {
    if (auto fault = faults.due("read"); !fault) return pass(fault);
    const std::uint64_t kept = kept_;
    return MemoryFileContent::read(content, offset,
                                   into.first(std::min(kept - std::min(offset, kept), std::uint64_t{into.size()})));
  }

 private:
  std::atomic<std::uint64_t> kept_ = UINT64_MAX;
};

}  // namespace anser::domain
