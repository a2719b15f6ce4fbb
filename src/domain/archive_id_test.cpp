#include "domain/archive_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

namespace anser::domain {
namespace {

constexpr std::string_view kRomeo = "romeo@montague.example";
constexpr std::string_view kJuliet = "juliet@capulet.example";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

TEST(ArchiveIds, ComeBackAsTheSequenceTheyStandFor) {
  const ArchiveIds ids{"a secret"};

  for (const std::uint64_t sequence :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10'000'000}, std::numeric_limits<std::uint64_t>::max()}) {
    const std::string id = ids.make(kRomeo, sequence);
    EXPECT_EQ(id.size(), ArchiveIds::kLength);
    EXPECT_EQ(id.find_first_not_of(kAlphabet), std::string::npos) << id;
    EXPECT_EQ(ids.open(kRomeo, id), sequence);
    EXPECT_EQ(ids.make(kRomeo, sequence), id);  // stable
  }
}

TEST(ArchiveIds, OfAnotherOwnerOrInstallationAreRefused) {
  const ArchiveIds ids{"a secret"}, others{"another secret"};
  const std::string id = ids.make(kRomeo, 7);

  EXPECT_EQ(ids.open(kJuliet, id), std::nullopt);
  EXPECT_EQ(ids.open("romeo@montague.exampl", id), std::nullopt);
  EXPECT_EQ(ids.open(std::string{kRomeo} + std::string(10, '\0'), id), std::nullopt);
  EXPECT_EQ(ids.open("", id), std::nullopt);
  EXPECT_EQ(others.open(kRomeo, id), std::nullopt);
  EXPECT_NE(ids.make(kJuliet, 7), id);
}

TEST(ArchiveIds, ThatNobodyMadeAreRefused) {
  const ArchiveIds ids{"a secret"};
  const std::string id = ids.make(kRomeo, 7);

  const std::vector<std::string> forgeries{{},
                                           "7",
                                           id.substr(1),
                                           id + "A",
                                           id + "==",
                                           std::string(22, 'A'),
                                           std::string(22, '+'),
                                           std::string(22, '='),
                                           std::string("\0", 1) + id.substr(1),
                                           "\xc3\xa9" + id.substr(2),
                                           "' or 1=1 --' or 1=1 --"};
  for (const std::string& forged : forgeries) {
    EXPECT_EQ(ids.open(kRomeo, forged), std::nullopt) << forged;
  }
  for (std::size_t at = 0; at < id.size(); ++at) {
    for (const char c : kAlphabet) {
      if (c == id[at]) continue;
      std::string changed = id;
      changed[at] = c;
      EXPECT_EQ(ids.open(kRomeo, changed), std::nullopt) << changed;  // the last character has one spelling too
    }
  }
}

// Neighbours differ in about half of their bits, wherever one looks: nobody sees order or distance.
TEST(ArchiveIds, OfNeighboursShareNothing) {
  const ArchiveIds ids{"a secret"};
  std::set<std::string> seen;
  std::size_t same = 0, compared = 0;
  std::string before = ids.make(kRomeo, 1'000);
  for (std::uint64_t sequence = 1'001; sequence < 2'000; ++sequence) {
    const std::string id = ids.make(kRomeo, sequence);
    EXPECT_TRUE(seen.insert(id).second);
    EXPECT_EQ(std::mismatch(id.begin(), id.end(), before.begin()).first - id.begin() < 5, true) << id << before;
    for (std::size_t at = 0; at < id.size(); ++at) same += id[at] == before[at];
    compared += id.size();
    before = id;
  }
  EXPECT_LT(same, compared / 20);  // by chance one in 64, and one in four for the last
}

TEST(ArchiveIds, AreForLongAddressesToo) {
  const ArchiveIds ids{"a secret"};
  const std::string shorter(2'047, 'a'), longer = shorter + "a";

  EXPECT_EQ(ids.open(longer, ids.make(longer, 5)), 5u);
  EXPECT_EQ(ids.open(shorter, ids.make(longer, 5)), std::nullopt);
}

}  // namespace
}  // namespace anser::domain
