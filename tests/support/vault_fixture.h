// What the tests of the vault share: a vault over a directory and a memory whose steps can be made to fail, a clock
// that is set by hand, and its calls as a test wants them, one after the other.
#pragma once

#include <gmock/gmock.h>

#include "net/test_support.h"
#include "net/within.h"
#include "tests/support/faulty_files.h"
#include "upload/vault.h"

namespace anser::upload {

using domain::FileRecord;
using net::Task;

class Hands final : public Clock {
 public:
  Time now() const override { return time; }
  Tick tick() const override { return {}; }
  Time time{std::chrono::hours{24 * 20'000}};
};

inline core::Jid jid(std::string_view text) { return core::Jid::parse(text).value(); }
inline const core::Jid kRomeo = jid("romeo@montague.example"), kJuliet = jid("juliet@capulet.example");

class VaultTest : public ::testing::Test {
 protected:
  ~VaultTest() override { workers->stop(); }

  // What was begun lives until the test lets go of it.
  using Open = std::unique_ptr<OpenUpload>;

  Result<Open> begun(NewUpload upload) { return kept(loop.wait(vault->begin(std::move(upload)))); }
  Open begin(NewUpload upload) {
    auto open = begun(std::move(upload));
    EXPECT_TRUE(open) << open.error().message;
    return open ? std::move(*open) : nullptr;
  }
  Result<Open> opened(std::string id, std::optional<core::Jid> owner = std::nullopt) {
    return kept(loop.wait(vault->open(
        std::move(id), [owner](const domain::UploadRecord& record) { return !owner || *owner == record.owner; })));
  }
  Result<void> append(Open& upload, const std::string& bytes) { return loop.wait(vault->append(*upload, bytes)); }
  Result<void> confirm(Open& upload) { return loop.wait(vault->confirm(*upload)); }
  Result<FileRecord> finish(Open& upload) { return loop.wait(vault->finish(*upload)); }
  FileRecord put(std::string bytes, core::Jid owner = kRomeo, std::string id = {}) {
    auto upload = begin({.owner = std::move(owner), .name = "a.txt", .length = bytes.size(), .id = std::move(id)});
    EXPECT_TRUE(append(upload, std::move(bytes)));
    auto file = finish(upload);
    EXPECT_TRUE(file) << file.error().message;
    return file.value_or(FileRecord{});
  }
  std::string read(const FileRecord& file) { return loop.wait(vault->read(file, 0, 1'000)).value_or("(nothing)"); }
  bool there(const std::string& id) { return loop.wait(vault->find(id)).value().has_value(); }
  std::uint64_t used(const core::Jid& owner = kRomeo) { return loop.wait(vault->use_of(owner)).value().bytes; }
  // The one worker has done what was in its queue.
  void settle() { ASSERT_TRUE(loop.wait(vault->find("x"))); }
  // A server that starts again: what it knew is gone, what was stored is there.
  void start_again() {
    workers = std::make_unique<net::Workers>(1, 100);
    vault = make_vault();
  }
  std::vector<std::string> unfinished() { return content.unfinished("", 100).value(); }
  std::vector<std::string> contents() { return content.contents("", 100).value(); }

  struct TestLoop : net::Loop {
    template <class T>
    Result<T> wait(Task<Result<T>> task) {
      return net::wait_for(*this, std::move(task));
    }
  };

  static Settings small() {
    Settings settings;
    settings.file_bytes = 1'000;
    settings.quota_bytes = 2'000;
    settings.anonymous_quota_bytes = 50;
    return settings;
  }

  Settings settings = small();
  Hands clock;
  test::Faults faults;
  test::FaultyFileIndex index{faults};
  test::FaultyFileContent content{faults};
  std::unique_ptr<net::Workers> workers = std::make_unique<net::Workers>(1, 100);
  std::unique_ptr<Vault> vault = make_vault();
  TestLoop loop;  // what waits on it uses the rest

 private:
  std::unique_ptr<Vault> make_vault() {
    return std::make_unique<Vault>(index, content, *workers, clock,
                                   [this] { return std::make_shared<const Settings>(settings); });
  }
  static Result<Open> kept(Result<OpenUpload> open) {
    if (!open) return pass(open);
    return std::make_unique<OpenUpload>(std::move(*open));
  }
};

}  // namespace anser::upload
