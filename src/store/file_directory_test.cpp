// What only the directory promises: who may read it, that nothing leaves it, and what a full disk does.
#include "store/file_directory.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace anser::store {
namespace {

namespace fs = std::filesystem;

class FileDirectoryTest : public ::testing::Test {
 protected:
  FileDirectoryTest() {
    auto opened = FileDirectory::open(top());
    EXPECT_TRUE(opened) << opened.error().message;
    files_ = std::move(*opened);
  }
  fs::path top() const { return directory_.path() / "files"; }
  static mode_t mode(const fs::path& path) {
    struct stat about {};
    EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
    return about.st_mode & 07777;
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<FileDirectory> files_;
};

TEST_F(FileDirectoryTest, IsItsOwnersOnly) {
  ASSERT_TRUE(files_->create("abcdef"));
  ASSERT_TRUE(files_->seal("abcdef", "xyz"));

  EXPECT_EQ(mode(top()), 0700u);
  EXPECT_EQ(mode(top() / "unfinished"), 0700u);
  EXPECT_EQ(mode(top() / "content" / "xy"), 0700u);
  EXPECT_EQ(mode(top() / "unfinished" / "abcdef"), 0600u);
  EXPECT_EQ(mode(top() / "content" / "xy" / "xyz"), 0600u);
}

TEST_F(FileDirectoryTest, ReachesNothingButItsOwnNames) {
  std::ofstream{directory_.path() / "secret"} << "secret";
  std::string bytes(10, '?');
  for (const std::string name : {"", "..", ".", "../secret", "../../secret", "a/b", "a.b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(files_->create(name)) << name;
    EXPECT_EQ(files_->read(name, 0, bytes).error().code, Errc::not_found) << name;
    EXPECT_EQ(files_->read_unfinished(name, 0, bytes).error().code, Errc::not_found) << name;
    EXPECT_TRUE(files_->discard(name)) << name;
    EXPECT_TRUE(files_->remove(name)) << name;
  }
  EXPECT_FALSE(files_->create(std::string(65, 'a')));
  EXPECT_FALSE(files_->create(std::string{"a\0b", 3}));
  EXPECT_TRUE(fs::exists(directory_.path() / "secret"));
}

TEST_F(FileDirectoryTest, FollowsNoSymbolicLink) {
  std::ofstream{directory_.path() / "secret"} << "secret";
  fs::create_symlink("../../secret", top() / "unfinished" / "link");
  fs::create_symlink("../..", top() / "content" / "se");
  std::string bytes(10, '?');

  EXPECT_EQ(files_->read_unfinished("link", 0, bytes).error().code, Errc::io);
  EXPECT_EQ(files_->append("link", 6, std::string_view{"x"}).error().code, Errc::io);
  EXPECT_EQ(files_->create("link").error().code, Errc::conflict);
  ASSERT_TRUE(files_->create("abc"));
  EXPECT_EQ(files_->seal("abc", "sesame").error().code, Errc::io);
  EXPECT_EQ(fs::file_size(directory_.path() / "secret"), 6u);
}

TEST_F(FileDirectoryTest, TakesBackWhatAFullDiskHasTakenInPart) {
  ASSERT_TRUE(files_->create("abc"));
  ASSERT_TRUE(files_->append("abc", 0, std::string(1'000, 'a')));
  // The limit of a file's size stands for the disk's: a write up to it is cut short, the next one fails.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit narrow{.rlim_cur = 1'500, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &narrow), 0);

  const auto refused = files_->append("abc", 1'000, std::string(1'000, 'b'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);

  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_EQ(files_->size("abc").value(), 1'000u);
  EXPECT_TRUE(files_->append("abc", 1'000, std::string(1'000, 'b')));
}

TEST_F(FileDirectoryTest, SaysWhatIsInItsWay) {
  std::ofstream{directory_.path() / "taken"} << "a file";

  const auto opened = FileDirectory::open(directory_.path() / "taken");

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("taken"));
}

}  // namespace
}  // namespace anser::store
