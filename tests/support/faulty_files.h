// Files in memory, and whatever goes wrong with them: each call fails with the error that a test has set for it, and
// the process dies between any two steps. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "store/memory/files.h"

namespace anser::test {

// One for an index and a content: they die together.
class Faults {
 public:
  // `faults.set("append", Errc::disk_full, 2)`: the third and all later ones fail.
  void set(std::string_view call, Errc code, std::size_t after = 0) {
    const std::lock_guard lock{mutex_};
    faults_.insert_or_assign(std::string{call}, Fault{code, after});
  }
  void clear(std::string_view call) {
    const std::lock_guard lock{mutex_};
    faults_.erase(std::string{call});
  }
  // After so many steps that change something none does any more: so it is when a process has been killed.
  void die_after(std::size_t steps) {
    const std::lock_guard lock{mutex_};
    steps_left_ = steps;
    dead_ = false;
  }
  void revive() {
    const std::lock_guard lock{mutex_};
    steps_left_.reset();
  }

  // A call that changes nothing on disk.
  Result<void> call(std::string_view name) {
    const std::lock_guard lock{mutex_};
    return due(name);
  }
  // One that does. `dying`, if this is where the process dies.
  Result<void> step(
      std::string_view name, const std::function<void()>& dying = [] {}) {
    const std::lock_guard lock{mutex_};
    if (auto fine = due(name); !fine || !steps_left_) return fine;
    if (*steps_left_ > 0) {
      --*steps_left_;
      return {};
    }
    if (!std::exchange(dead_, true)) dying();
    return fail(Errc::io, "the process is no more");
  }

 private:
  struct Fault {
    Errc code;
    std::size_t after;
  };
  Result<void> due(std::string_view name) {
    const auto found = faults_.find(name);
    if (found == faults_.end()) return {};
    if (found->second.after == 0) return fail(found->second.code, "{} was told to fail", name);
    --found->second.after;
    return {};
  }

  std::mutex mutex_;
  std::map<std::string, Fault, std::less<>> faults_;
  std::optional<std::size_t> steps_left_;
  bool dead_ = false;
};

inline constexpr std::size_t kAllFiles = 10'000;

class FaultyFileIndex final : public store::MemoryFileIndex {
 public:
  explicit FaultyFileIndex(Faults& faults) : faults_(faults) {}

  // Everybody's.
  std::size_t files() {
    std::size_t all = list_files({}, {}, kAllFiles)->size();
    const auto all_owners = owners({}, kAllFiles);
    for (const auto& owner : *all_owners) {
      if (!owner.empty()) all += list_files(owner, {}, kAllFiles)->size();
    }
    return all;
  }

  Result<void> begin_upload(const domain::UploadRecord& upload) override {
    if (auto fine = faults_.step("begin_upload"); !fine) return fine;
    return MemoryFileIndex::begin_upload(upload);
  }
  Result<void> update_upload(const domain::UploadRecord& upload) override {
    if (auto fine = faults_.step("update_upload"); !fine) return fine;
    return MemoryFileIndex::update_upload(upload);
  }
  Result<void> remove_upload(std::string_view id) override {
    if (auto fine = faults_.step("remove_upload"); !fine) return fine;
    return MemoryFileIndex::remove_upload(id);
  }
  Result<void> finish_uploads(std::span<const domain::FileRecord> files, bool keep_uploads) override {
    if (auto fine = faults_.step("finish_uploads"); !fine) return fine;
    return MemoryFileIndex::finish_uploads(files, keep_uploads);
  }
  Result<bool> remove_file(std::string_view id) override {
    if (auto fine = faults_.step("remove_file"); !fine) return pass(fine);
    return MemoryFileIndex::remove_file(id);
  }

 private:
  Faults& faults_;
};

class FaultyFileContent final : public store::MemoryFileContent {
 public:
  explicit FaultyFileContent(Faults& faults) : faults_(faults) {}

  std::size_t whole() { return contents({}, kAllFiles)->size(); }
  // A disk that has lost the end of every file.
  void cut(std::size_t size) { kept_ = size; }

  Result<void> create(std::string_view id) override {
    if (auto fine = faults_.step("create"); !fine) return fine;
    return MemoryFileContent::create(id);
  }
  // Of the piece that it dies in, a half is there.
  Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) override {
    const auto half = [&] { static_cast<void>(MemoryFileContent::append(id, offset, bytes.first(bytes.size() / 2))); };
    if (auto fine = faults_.step("append", half); !fine) return fine;
    return MemoryFileContent::append(id, offset, bytes);
  }
  Result<void> seal(std::string_view id, std::string_view content) override {
    if (auto fine = faults_.step("seal"); !fine) return fine;
    return MemoryFileContent::seal(id, content);
  }
  Result<void> sync(std::string_view id) override {
    if (auto fine = faults_.call("sync"); !fine) return fine;
    return MemoryFileContent::sync(id);
  }
  Result<void> discard(std::string_view id) override {
    if (auto fine = faults_.step("discard"); !fine) return fine;
    return MemoryFileContent::discard(id);
  }
  Result<void> remove(std::string_view content) override {
    if (auto fine = faults_.step("remove"); !fine) return fine;
    return MemoryFileContent::remove(content);
  }
  Result<std::size_t> read(std::string_view content, std::uint64_t offset, std::span<char> into) override {
    if (auto fine = faults_.call("read"); !fine) return pass(fine);
    const std::uint64_t kept = kept_;
    return MemoryFileContent::read(content, offset,
                                   into.first(std::min(kept - std::min(offset, kept), std::uint64_t{into.size()})));
  }

 private:
  Faults& faults_;
  std::atomic<std::uint64_t> kept_ = UINT64_MAX;
};

}  // namespace anser::test
