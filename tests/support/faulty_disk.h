// A disk under SQLite that can be full or fail to sync: as long as one lives, every file that SQLite opens goes through
// it. Only one at a time; made before the databases are opened, destroyed after they are closed.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <map>

namespace anser::test {

class FaultyDisk {
 public:
  FaultyDisk() : real_(*sqlite3_vfs_find(nullptr)), vfs_(real_) {
    current_ = this;
    vfs_.zName = "faulty";
    vfs_.pNext = nullptr;
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
      const int code = current_->real_.xOpen(sqlite3_vfs_find("unix"), name, file, flags, out);
      if (code == SQLITE_OK) current_->take_over(file);
      return code;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    current_ = nullptr;
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  std::atomic<bool> full{false};
  std::atomic<bool> fails_to_sync{false};
  std::atomic<int> syncs{0};

 private:
  // SQLite has a table of functions for each way of locking; the two that we stand in for are the same in all of them.
  void take_over(sqlite3_file* file) {
    write_ = file->pMethods->xWrite;
    sync_ = file->pMethods->xSync;
    auto& methods = methods_.try_emplace(file->pMethods, *file->pMethods).first->second;
    methods.xWrite = [](sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
      return current_->full ? SQLITE_FULL : current_->write_(f, data, size, offset);
    };
    methods.xSync = [](sqlite3_file* f, int flags) {
      ++current_->syncs;
      return current_->fails_to_sync ? SQLITE_IOERR_FSYNC : current_->sync_(f, flags);
    };
    file->pMethods = &methods;
  }

  static inline FaultyDisk* current_ = nullptr;
  sqlite3_vfs real_, vfs_;
  std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods_;
  decltype(sqlite3_io_methods::xWrite) write_ = nullptr;
  decltype(sqlite3_io_methods::xSync) sync_ = nullptr;
};

}  // namespace anser::test
