#include "form/deferred_output.h"

#include "form/test_form.h"

namespace anser::form {
namespace {

using test::content_of;
using test::Folder;

DeferredOutput written(std::int64_t threshold, const Folder& folder, std::initializer_list<std::string_view> pieces) {
  DeferredOutput output{threshold, folder.path()};
  for (const std::string_view piece : pieces) EXPECT_TRUE(output.write(piece));
  EXPECT_TRUE(output.close());
  return output;
}

TEST(DeferredOutput, StaysInMemoryBelowTheThreshold) {
  const Folder folder;
  const DeferredOutput output = written(5, folder, {"ab", "", "cd"});

  EXPECT_TRUE(output.is_in_memory());
  EXPECT_EQ(output.bytes(), "abcd");
  EXPECT_EQ(output.size(), 4U);
}

TEST(DeferredOutput, IsAFileFromTheThresholdOn) {
  const Folder folder;
  const DeferredOutput output = written(5, folder, {"ab", "cde"});

  EXPECT_FALSE(output.is_in_memory());
  EXPECT_EQ(output.bytes(), "abcde");
  EXPECT_EQ(written(5, folder, {"ab", "cdef", "gh"}).bytes(), "abcdefgh");
}

// As large thresholds are chosen for few items, and many come.
TEST(DeferredOutput, GivesItsMemoryBackWhenItIsAFileAndWhenItIsRemoved) {
  const Folder folder;
  const std::string most(99'999, 'x');
  const DeferredOutput spilled = written(100'000, folder, {most, "y"});
  DeferredOutput removed = written(100'000, folder, {most});
  removed.remove();

  EXPECT_EQ(spilled.size(), 100'000U);
  EXPECT_LT(spilled.memory(), 100U);
  EXPECT_LT(removed.memory(), 100U);
}

TEST(DeferredOutput, WithZeroIsAFileFromTheFirstByteOn) {
  const Folder folder;
  EXPECT_TRUE(written(0, folder, {}).is_in_memory());
  EXPECT_FALSE(written(0, folder, {"a"}).is_in_memory());
}

TEST(DeferredOutput, WithMinusOneIsAlwaysAFile) {
  const Folder folder;
  EXPECT_FALSE(written(DeferredOutput::kAlwaysDisk, folder, {}).is_in_memory());
  EXPECT_EQ(written(DeferredOutput::kAlwaysDisk, folder, {"a"}).bytes(), "a");
}

TEST(DeferredOutput, IsReadFromAnyPlace) {
  const Folder folder;
  for (const std::int64_t threshold : {100, 0}) {
    const DeferredOutput output = written(threshold, folder, {"abcdef"});
    std::array<char, 4> room{};
    EXPECT_EQ(output.read(3, room), 3U);
    EXPECT_EQ(std::string_view(room.data(), 3), "def");
    EXPECT_EQ(output.read(6, room), 0U);
    EXPECT_EQ(output.read(1000, room), 0U);
  }
}

TEST(DeferredOutput, IsKeptFromMemoryAndFromAFile) {
  const Folder folder;
  for (const std::int64_t threshold : {100, 0}) {
    DeferredOutput output = written(threshold, folder, {"abcdef"});
    ASSERT_TRUE(output.keep_as(folder / "kept"));
    EXPECT_EQ(output.bytes(), "abcdef");
    output.remove();
    EXPECT_EQ(output.bytes(), "");
    EXPECT_EQ(output.size(), 0U);
    EXPECT_EQ(content_of(folder / "kept"), "abcdef");
    EXPECT_EQ(folder.files(), 1U);
  }
}

TEST(DeferredOutput, SaysThatItsDirectoryIsMissing) {
  const Folder folder;
  DeferredOutput output{3, folder / "missing"};
  EXPECT_TRUE(output.write("ab"));
  EXPECT_EQ(output.write("c").error().code, Errc::io);
  EXPECT_EQ((DeferredOutput{DeferredOutput::kAlwaysDisk, folder / "missing"}.close().error().code), Errc::io);
}

}  // namespace
}  // namespace anser::form
