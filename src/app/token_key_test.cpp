#include "app/token_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace anser::app {
namespace {

class TokenKeyTest : public testing::Test {
 protected:
  TokenKeyTest() { std::filesystem::create_directories(folder_); }
  ~TokenKeyTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::path{testing::TempDir()} / ("token_key_" + std::to_string(getpid()));
  const std::filesystem::path file_ = folder_ / "tokens.key";
};

TEST_F(TokenKeyTest, IsMadeOnceForItsOwnerAlone) {
  const auto made = token_key(file_);

  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 32u);
  EXPECT_EQ(token_key(file_).value(), *made);
  struct stat about {};
  ASSERT_EQ(stat(file_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  EXPECT_FALSE(std::filesystem::exists(file_.string() + ".new"));
}

TEST_F(TokenKeyTest, IsAnotherAfterItsFileHasGone) {
  const std::string first = token_key(file_).value();
  std::filesystem::remove(file_);

  EXPECT_NE(token_key(file_).value(), first);
}

TEST_F(TokenKeyTest, RefusesAFileThatIsNone) {
  for (const std::size_t size : {0, 31, 33}) {
    std::ofstream{file_} << std::string(size, 'k');
    const auto key = token_key(file_);
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().code, Errc::invalid_config);
  }
  EXPECT_FALSE(token_key(folder_ / "nowhere" / "tokens.key"));
}

}  // namespace
}  // namespace anser::app
