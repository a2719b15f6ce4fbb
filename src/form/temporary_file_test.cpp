#include "form/temporary_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "form/test_form.h"

namespace anser::form {
namespace {

using test::content_of;
using test::Folder;

constexpr auto kBoth = {TemporaryFile::Naming::none_if_possible, TemporaryFile::Naming::always};
constexpr std::string_view kName = "anser-upload-0123456789abcdef0123456789abcdef.tmp";

TemporaryFile made(const Folder& folder, TemporaryFile::Naming naming, std::string_view content = "content") {
  auto file = TemporaryFile::create(folder.path(), naming);
  EXPECT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->append(content));
  return std::move(*file);
}

void write(const std::string& path, std::string_view content) { std::ofstream{path} << content; }

std::string all_of(const TemporaryFile& file) {
  std::string text(100, '\0');
  text.resize(*file.read(0, text));
  return text;
}

TEST(TemporaryFile, IsGoneWithItsObject) {
  for (const auto naming : kBoth) {
    const Folder folder;
    {
      TemporaryFile file = made(folder, naming);
      TemporaryFile moved = std::move(file);
      moved = std::move(moved);
      EXPECT_EQ(all_of(moved), "content");
      EXPECT_EQ(moved.size(), 7U);
    }
    EXPECT_EQ(folder.files(), 0U);
  }
}

TEST(TemporaryFile, BelongsToItsOwnerAlone) {
  const Folder folder;
  const TemporaryFile file = made(folder, TemporaryFile::Naming::always);

  ASSERT_EQ(folder.files(), 1U);
  const std::string path = std::filesystem::directory_iterator { folder.path() } -> path();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(path.size(), folder.path().size() + 1 + kName.size());
}

TEST(TemporaryFile, IsKeptUnderANameAndCanStillBeRead) {
  for (const auto naming : kBoth) {
    const Folder folder;
    {
      TemporaryFile file = made(folder, naming);
      ASSERT_TRUE(file.keep_as(folder / "kept"));
      EXPECT_EQ(all_of(file), "content");
    }
    EXPECT_EQ(content_of(folder / "kept"), "content");
    EXPECT_EQ(folder.files(), 1U);
  }
}

TEST(TemporaryFile, ReplacesWhatIsThere) {
  for (const auto naming : kBoth) {
    const Folder folder;
    write(folder / "kept", "something older and longer");
    ASSERT_TRUE(made(folder, naming).keep_as(folder / "kept"));
    EXPECT_EQ(content_of(folder / "kept"), "content");
    EXPECT_EQ(folder.files(), 1U);
  }
}

TEST(TemporaryFile, ReplacesASymbolicLinkAndDoesNotFollowIt) {
  for (const auto naming : kBoth) {
    const Folder folder;
    write(folder / "secret", "untouched");
    std::filesystem::create_symlink(folder / "secret", folder / "kept");
    ASSERT_TRUE(made(folder, naming).keep_as(folder / "kept"));
    EXPECT_EQ(content_of(folder / "secret"), "untouched");
    EXPECT_FALSE(std::filesystem::is_symlink(folder / "kept"));
    EXPECT_EQ(content_of(folder / "kept"), "content");
  }
}

TEST(TemporaryFile, IsCopiedTheSecondTime) {
  for (const auto naming : kBoth) {
    const Folder folder;
    TemporaryFile file = made(folder, naming, std::string(200'000, 'x'));
    ASSERT_TRUE(file.keep_as(folder / "first"));
    ASSERT_TRUE(file.keep_as(folder / "second"));
    write(folder / "first", "changed");
    EXPECT_EQ(content_of(folder / "second"), std::string(200'000, 'x'));
    EXPECT_EQ(folder.files(), 2U);
  }
}

TEST(TemporaryFile, IsCopiedOntoAnotherFileSystem) {
  const Folder here;
  struct stat one {
  }, other{};
  if (::stat(here.path().c_str(), &one) != 0 || ::stat("/dev/shm", &other) != 0 || one.st_dev == other.st_dev) {
    GTEST_SKIP() << "/dev/shm is no other file system";
  }
  for (const auto naming : kBoth) {
    const std::string target = "/dev/shm/anser-form-test-" + std::to_string(::getpid());
    ASSERT_TRUE(made(here, naming).keep_as(target));
    EXPECT_EQ(content_of(target), "content");
    std::filesystem::remove(target);
  }
  EXPECT_EQ(here.files(), 0U);
}

TEST(TemporaryFile, LeavesNothingIfItCannotBeKept) {
  for (const auto naming : kBoth) {
    const Folder folder;
    std::filesystem::create_directory(folder / "directory");
    for (const char* path : {"directory", "missing/file", "a-name-that-ends-in/"}) {
      const auto kept = made(folder, naming).keep_as(folder / path);
      ASSERT_FALSE(kept) << path;
      EXPECT_EQ(kept.error().code, Errc::io);
    }
    EXPECT_EQ(folder.files(), 1U);
  }
}

// After a failure it may have a name where it could not be put; a sweeper there leaves it alone.
TEST(TemporaryFile, CanBeKeptElsewhereAfterAFailureWhoeverSweeps) {
  for (const auto naming : kBoth) {
    const Folder folder;
    std::filesystem::create_directory(folder / "directory");
    TemporaryFile file = made(folder, naming);
    ASSERT_FALSE(file.keep_as(folder / "directory"));

    EXPECT_EQ(sweep_temporary_files(folder.path()), 0U);
    const auto kept = file.keep_as(folder / "kept");

    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(content_of(folder / "kept"), "content");
    EXPECT_EQ(folder.files(), 2U);
  }
}

// As programs do that clean /tmp up by age.
TEST(TemporaryFile, IsKeptThoughItsDirectoryIsGone) {
  for (const auto naming : kBoth) {
    const Folder folder;
    std::filesystem::create_directory(folder / "gone");
    auto file = TemporaryFile::create(folder / "gone", naming);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append("content"));
    std::filesystem::remove_all(folder / "gone");

    const auto kept = file->keep_as(folder / "kept");

    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(content_of(folder / "kept"), "content");
    EXPECT_EQ(all_of(*file), "content");
    EXPECT_EQ(folder.files(), 1U);
  }
}

TEST(TemporaryFile, IsNotKeptUnderTheBeginningOfAPath) {
  for (const auto naming : kBoth) {
    const Folder folder;
    const std::string path = (folder / "a.php") + std::string{"\0.gif", 5};
    EXPECT_EQ(made(folder, naming).keep_as(path).error().code, Errc::io);
    EXPECT_EQ(write_file(path, "x").error().code, Errc::io);
    EXPECT_EQ(folder.files(), 0U);
  }
}

TEST(TemporaryFile, LeavesNoFileDescriptorOpen) {
  const auto open_ones = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
  };
  const Folder folder;
  std::filesystem::create_directory(folder / "directory");
  const auto before = open_ones();

  for (const auto naming : kBoth) {
    TemporaryFile file = made(folder, naming);
    file = made(folder, naming);
    EXPECT_FALSE(file.keep_as(folder / "directory"));
    EXPECT_TRUE(file.keep_as(folder / "kept"));
    EXPECT_TRUE(file.keep_as(folder / "again"));
    EXPECT_FALSE(file.keep_as(folder / "directory"));
    EXPECT_FALSE(TemporaryFile::create(folder / "missing", naming));
  }
  EXPECT_TRUE(write_file(folder / "kept", "x"));
  write(folder / kName, "left");
  EXPECT_EQ(sweep_temporary_files(folder.path()), 1U);

  EXPECT_EQ(open_ones(), before);
}

TEST(TemporaryFile, NeedsItsDirectory) {
  for (const auto naming : kBoth) {
    const Folder folder;
    const auto file = TemporaryFile::create(folder / "missing", naming);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::io);
    EXPECT_EQ(file.error().message, "a temporary file can't be made: No such file or directory");
  }
}

// A file that may not grow further is to us what a full disk is.
TEST(TemporaryFile, SaysThatTheDiskIsFull) {
  const Folder folder;
  TemporaryFile file = made(folder, TemporaryFile::Naming::none_if_possible);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  const auto written = file.append(std::string(10'000, 'x'));

  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::disk_full);
}

// A file that may not grow further is to us what a full disk is.
TEST(TemporaryFile, LeavesWhatIsThereWhenTheDiskFillsUpInACopy) {
  const Folder folder;
  TemporaryFile file = made(folder, TemporaryFile::Naming::none_if_possible, std::string(10'000, 'x'));
  ASSERT_TRUE(file.keep_as(folder / "first"));
  write(folder / "second", "older");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  const auto copied = file.keep_as(folder / "second");
  const auto put = write_file(folder / "second", std::string(10'000, 'x'));

  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, Errc::disk_full);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::disk_full);
  EXPECT_EQ(content_of(folder / "second"), "older");
  EXPECT_EQ(folder.files(), 2U);
}

TEST(WriteFile, PutsBytesInAFileAllOrNothing) {
  const Folder folder;
  ASSERT_TRUE(write_file(folder / "a", "one"));
  ASSERT_TRUE(write_file(folder / "a", "two"));
  EXPECT_EQ(content_of(folder / "a"), "two");
  EXPECT_FALSE(write_file(folder / "missing/a", "x"));
  EXPECT_EQ(folder.files(), 1U);
}

TEST(Sweep, TakesWhatADeadProcessLeft) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {  // dies with its file open, as if it were killed
    auto file = TemporaryFile::create(folder.path(), TemporaryFile::Naming::always);
    ::_exit(file && file->append("x") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(folder.files(), 1U);

  EXPECT_EQ(sweep_temporary_files(folder.path()), 1U);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(Sweep, LeavesWhatAnotherProcessWrites) {
  const Folder folder;
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = TemporaryFile::create(folder.path(), TemporaryFile::Naming::always);
    char byte = file ? '1' : '0';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(file->keep_as(folder / "kept") ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, '1');

  EXPECT_EQ(sweep_temporary_files(folder.path()), 0U);

  ASSERT_EQ(::write(done[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(folder.files(), 1U);
  for (const int end : {ready[0], ready[1], done[0], done[1]}) ::close(end);
}

TEST(Sweep, LeavesWhatIsNotOurs) {
  const Folder folder;
  write(folder / "anser-upload-notes.tmp", "somebody's");
  write(folder / "anser-upload-0123456789ABCDEF0123456789abcdef.tmp", "somebody's");
  std::filesystem::create_directory(folder / kName);
  std::filesystem::create_symlink("anser-upload-notes.tmp",
                                  folder / "anser-upload-1123456789abcdef0123456789abcdef.tmp");

  EXPECT_EQ(sweep_temporary_files(folder.path()), 0U);
  EXPECT_EQ(sweep_temporary_files(folder / "missing"), 0U);
  EXPECT_EQ(folder.files(), 4U);
}

TEST(Sweep, TakesOurNameFromAnOpenFolder) {
  const Folder folder;
  write(folder / kName, "left");
  EXPECT_EQ(sweep_temporary_files(folder.path()), 1U);
}

}  // namespace
}  // namespace anser::form
