#include "domain/account_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace anser::domain {
namespace {

Jid name(int number) { return Jid::parse("m" + std::to_string(number) + "@capulet.example").value(); }

TEST(AccountTable, FindsWhatWasAddedAndNothingElse) {
  AccountTable table;
  EXPECT_EQ(table.find("m1@capulet.example"), nullptr);
  Account& one = table.find_or_add(name(1));
  EXPECT_EQ(&table.find_or_add(name(1)), &one);
  EXPECT_EQ(table.find("m1@capulet.example"), &one);
  EXPECT_EQ(table.find("m2@capulet.example"), nullptr);
  EXPECT_EQ(table.size(), 1u);
  table.erase(one);
  EXPECT_EQ(table.find("m1@capulet.example"), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(AccountTable, GuessesNobodyWhoIsNotThere) {
  AccountTable table;
  const auto hash_of = [](std::string_view bare) { return AccountTable::hash_of(bare); };
  EXPECT_EQ(table.guess(hash_of("m1@capulet.example")), nullptr);
  table.bring_near(hash_of("m1@capulet.example"));
  int guessed = 0;
  for (int number = 0; number < 100; ++number) table.find_or_add(name(number));
  for (int number = 0; number < 100; ++number) {
    const std::string bare{name(number).full()};
    table.bring_near(hash_of(bare));
    const Account* guess = table.guess(hash_of(bare));
    EXPECT_TRUE(!guess || guess == table.find(bare));
    guessed += guess != nullptr;
  }
  EXPECT_GT(guessed, 50);  // the others were pushed to a neighbour's slot
  for (int number = 100; number < 200; ++number) EXPECT_EQ(table.guess(hash_of(name(number).full())), nullptr);
}

// Against std::map, with growth and with gaps that close in runs of neighbours.
TEST(AccountTable, AgreesWithAMapOverManyChanges) {
  AccountTable table;
  std::map<int, Account*> known;
  std::mt19937 chance{7};
  for (int step = 0; step < 50'000; ++step) {
    const int number = static_cast<int>(chance() % 700);
    const Jid jid = name(number);
    const auto found = known.find(number);
    if (chance() % 2) {
      Account& account = table.find_or_add(jid);
      ASSERT_TRUE(found == known.end() || &account == found->second);
      known[number] = &account;
    } else if (found != known.end()) {
      table.erase(*found->second);
      known.erase(found);
    }
    ASSERT_EQ(table.size(), known.size());
  }
  for (int number = 0; number < 700; ++number) {
    const auto found = known.find(number);
    ASSERT_EQ(table.find(name(number).full()), found == known.end() ? nullptr : found->second);
  }
  std::size_t seen = 0;
  table.each([&](Account& account) { seen += table.find(account.bare().full()) == &account; });
  EXPECT_EQ(seen, known.size());
}

}  // namespace
}  // namespace anser::domain
