// Files in memory that fail when a test says so, and a process that dies between any two of its steps.
#pragma once

#include <optional>

#include "store/memory/files.h"

namespace anser::test {

// Counts the steps that change something. From one on, none does: so it is when a process has been killed.
struct Fuse {
  std::optional<int> steps_left;

  bool blown() {
    if (!steps_left) return false;
    if (*steps_left == 0) return true;
    --*steps_left;
    return false;
  }
};

class FaultyFileIndex final : public store::MemoryFileIndex {
 public:
  Fuse* fuse = nullptr;
  std::optional<Errc> finish_fails, begin_fails;

  Result<void> begin_upload(const domain::UploadRecord& upload) override {
    if (auto fine = step(begin_fails); !fine) return fine;
    return MemoryFileIndex::begin_upload(upload);
  }
  Result<void> update_upload(const domain::UploadRecord& upload) override {
    if (auto fine = step({}); !fine) return fine;
    return MemoryFileIndex::update_upload(upload);
  }
  Result<void> remove_upload(std::string_view id) override {
    if (auto fine = step({}); !fine) return fine;
    return MemoryFileIndex::remove_upload(id);
  }
  Result<void> finish_upload(const domain::FileRecord& file, bool keep_upload) override {
    if (auto fine = step(finish_fails); !fine) return fine;
    return MemoryFileIndex::finish_upload(file, keep_upload);
  }
  Result<bool> remove_file(std::string_view id) override {
    if (auto fine = step({}); !fine) return pass(fine);
    return MemoryFileIndex::remove_file(id);
  }

 private:
  Result<void> step(std::optional<Errc> wanted) {
    if (wanted) return fail(*wanted, "as the test says");
    if (fuse && fuse->blown()) return fail(Errc::io, "the process is no more");
    return {};
  }
};

class FaultyFileContent final : public store::MemoryFileContent {
 public:
  Fuse* fuse = nullptr;
  std::optional<Errc> append_fails, seal_fails, sync_fails, discard_fails;

  Result<void> create(std::string_view id) override {
    if (auto fine = step({}); !fine) return fine;
    return MemoryFileContent::create(id);
  }
  // Of the piece that it dies in, a half is there.
  Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) override {
    const bool dies = fuse && fuse->steps_left == 0 && !std::exchange(halved_, true);
    if (dies) static_cast<void>(MemoryFileContent::append(id, offset, bytes.first(bytes.size() / 2)));
    if (auto fine = step(append_fails); !fine) return fine;
    return MemoryFileContent::append(id, offset, bytes);
  }
  Result<void> seal(std::string_view id, std::string_view content) override {
    if (auto fine = step(seal_fails); !fine) return fine;
    return MemoryFileContent::seal(id, content);
  }
  Result<void> sync(std::string_view id) override {
    if (sync_fails) return fail(*sync_fails, "as the test says");
    return MemoryFileContent::sync(id);
  }
  Result<void> discard(std::string_view id) override {
    if (auto fine = step(discard_fails); !fine) return fine;
    return MemoryFileContent::discard(id);
  }
  Result<void> remove(std::string_view content) override {
    if (auto fine = step({}); !fine) return fine;
    return MemoryFileContent::remove(content);
  }

 private:
  Result<void> step(std::optional<Errc> wanted) {
    if (wanted) return fail(*wanted, "as the test says");
    if (fuse && fuse->blown()) return fail(Errc::io, "the process is no more");
    return {};
  }
  bool halved_ = false;
};

}  // namespace anser::test
