#include "sdk/src/roster_cache.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace anser::sdk {
namespace {

using ::testing::HasSubstr;

class RosterCacheTest : public ::testing::Test {
 protected:
  Result<RosterCache> load() { return RosterCache::load(path, "romeo@example.org", "example.org"); }
  void write(std::string_view text) { std::ofstream{path} << text; }
  std::string text() const {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{folder.path()}, {}));
  }

  test::TemporaryDirectory folder;
  std::string path = folder.path() / "roster";
  RosterCache cache{
      "romeo@example.org",
      "example.org",
      "ver'7\"<",
      {{"juliet@example.org", "Juliet\n<&\t", {"Friends", "a\nb]]>"}, RosterEntry::Subscription::both, true, true},
       {"nurse@example.org"}}};
};

TEST_F(RosterCacheTest, GivesBackWhatItWasGiven) {
  ASSERT_TRUE(cache.save(path));

  const auto read = load();

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->version, cache.version);
  EXPECT_EQ(read->entries, cache.entries);
}

TEST_F(RosterCacheTest, IsItsOwnersAloneAndReplacedWhole) {
  write("something old");
  std::filesystem::permissions(path, std::filesystem::perms::all);

  ASSERT_TRUE(cache.save(path));

  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(RosterCacheTest, SaysSoWhenItCannotBeWritten) {
  const std::string inside = folder.path() / "missing" / "roster";

  const auto saved = cache.save(inside);

  EXPECT_EQ(saved.error().code, Errc::io);
  EXPECT_THAT(saved.error().message, HasSubstr(inside));
}

TEST_F(RosterCacheTest, LeavesNoTemporaryFileBehind) {
  std::filesystem::create_directory(path);

  EXPECT_FALSE(cache.save(path));

  EXPECT_EQ(files(), 1U);
}

TEST_F(RosterCacheTest, IsNotTakenFromAnotherAccountOrService) {
  ASSERT_TRUE(cache.save(path));

  EXPECT_FALSE(RosterCache::load(path, "paris@example.org", "example.org"));
  EXPECT_FALSE(RosterCache::load(path, "romeo@example.org", "example.net"));
}

TEST_F(RosterCacheTest, IsNotTakenFromAnyPartOfAFile) {
  ASSERT_TRUE(cache.save(path));
  const auto whole = text();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    EXPECT_FALSE(load()) << size;
  }
  write(whole + "x");
  EXPECT_FALSE(load());
}

TEST_F(RosterCacheTest, IsNotTakenFromWhatIsNoCache) {
  const std::string head =
      "<roster xmlns='urn:anser:roster:1' account='romeo@example.org' service='example.org' ver='v' items='";
  const std::string item = "<item xmlns='jabber:iq:roster' jid='a@b'/>\n";
  write(head + "1'/>\n" + item);
  EXPECT_TRUE(load());

  for (const auto& bad :
       {std::string{"\n"}, std::string{"<roster/>\n"}, head + "2'/>\n" + item, head + "-1'/>\n", head + "100001'/>\n",
        head + "'/>\n", head + "1'/>\n<item jid='a@b'/>\n", head + "1'/>\n<item xmlns='jabber:iq:roster' jid='@'/>\n",
        head + "1'/>\n<item xmlns='jabber:iq:roster' jid='a@b' subscription='remove'/>\n"}) {
    write(bad);
    EXPECT_FALSE(load()) << bad;
  }
}

TEST_F(RosterCacheTest, IsNotReadWhenItIsNoFile) {
  EXPECT_EQ(load().error().code, Errc::io);
  std::filesystem::create_directory(path);
  EXPECT_FALSE(load());
  EXPECT_FALSE(RosterCache::load("/dev/zero", "romeo@example.org", "example.org"));
}

TEST_F(RosterCacheTest, IsNotReadWhenItIsTooLong) {
  write("");
  std::filesystem::resize_file(path, RosterCache::kBytes + 1);

  EXPECT_THAT(load().error().message, HasSubstr("too long"));
}

}  // namespace
}  // namespace anser::sdk
