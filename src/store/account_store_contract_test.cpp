// What every engine's AccountStore promises.
#include <gmock/gmock.h>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

constexpr std::uint64_t kFirstVersion = 1'700'000'000'123'456;  // when the accounts were made, in microseconds

using domain::AccountRecord;
using domain::RosterItem;
using domain::Subscription;
using test::at;
using test::jid;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

const auto kRomeo = jid("romeo@montague.example");
const auto kJuliet = jid("juliet@capulet.example");
const auto kNurse = jid("nurse@capulet.example");

domain::LoginToken token(std::string seed, int issued) {
  return {.seed = std::move(seed),
          .binding = core::TokenBinding::exporter,
          .issued = at(kFirstVersion) + std::chrono::seconds{issued},
          .expires = at(kFirstVersion) + std::chrono::hours{issued},
          .count = 0x7fff'ffff};
}

AccountRecord account(const domain::Jid& address) {
  AccountRecord record;
  record.jid = address;
  record.keys = {{core::Hash::sha1, std::string("sa\0lt", 5), 10'000, "stored", "server"},
                 {core::Hash::sha512, "s", 4'096, "\xff\xfe", std::string(64, '\0')}};
  record.name = "罗密欧 Montague";
  record.email = "romeo@example.org";
  record.created = at(kFirstVersion);
  return record;
}

template <class Engine>
class AccountStoreContract : public ::testing::Test {
 protected:
  domain::AccountStore& store() { return *engine_.stores().accounts; }
  void make(const domain::Jid& address) { ASSERT_TRUE(store().create_account(account(address))); }
  Errc code(const auto& result) { return result ? Errc::internal : result.error().code; }

  Engine engine_;
};
TYPED_TEST_SUITE(AccountStoreContract, test::Engines, test::EngineNames);

// ---- accounts -------------------------------------------------------------------------------------------------------

TYPED_TEST(AccountStoreContract, GivesAnAccountBackAsItWasMade) {
  this->make(kRomeo);
  this->engine_.reopen();

  const auto found = this->store().find_account(kRomeo);

  ASSERT_TRUE(found && *found);
  const AccountRecord wanted = account(kRomeo);
  EXPECT_EQ((*found)->jid, wanted.jid);
  EXPECT_EQ((*found)->keys, wanted.keys);
  EXPECT_EQ((*found)->name, wanted.name);
  EXPECT_EQ((*found)->email, wanted.email);
  EXPECT_EQ((*found)->created, wanted.created);
  EXPECT_FALSE((*found)->disabled);
}

TYPED_TEST(AccountStoreContract, RefusesASecondAccountOfTheSameAddress) {
  this->make(kRomeo);

  EXPECT_EQ(this->code(this->store().create_account(account(kRomeo))), Errc::conflict);

  EXPECT_EQ(this->store().count_accounts("montague.example").value(), 1u);
}

TYPED_TEST(AccountStoreContract, ChangesKeysAndStanding) {
  this->make(kRomeo);
  const std::vector<core::ScramKeys> keys{{core::Hash::sha256, "salt", 5'000, "a", "b"}};

  ASSERT_TRUE(this->store().set_keys(kRomeo, keys));
  ASSERT_TRUE(this->store().set_disabled(kRomeo, true));

  const auto found = this->store().find_account(kRomeo);
  EXPECT_EQ((*found)->keys, keys);
  EXPECT_TRUE((*found)->disabled);
  ASSERT_TRUE(this->store().set_disabled(kRomeo, false));
  EXPECT_FALSE((*this->store().find_account(kRomeo))->disabled);
}

TYPED_TEST(AccountStoreContract, AddsAKeyThatIsMissingAndNoOther) {
  this->make(kRomeo);
  const core::ScramKeys key{core::Hash::sha256, "salt", 5'000, "a", "b"};

  ASSERT_TRUE(this->store().add_key(kRomeo, key));
  EXPECT_EQ(this->code(this->store().add_key(kRomeo, key)), Errc::conflict);

  auto wanted = account(kRomeo).keys;
  wanted.insert(wanted.begin() + 1, key);
  EXPECT_EQ((*this->store().find_account(kRomeo))->keys, wanted);
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

TYPED_TEST(AccountStoreContract, GivesTokensBackToTheirClientOnly) {
  this->make(kRomeo);
  this->make(kJuliet);
  const domain::TokenSlots slots{token("a\0b"s, 1), token("c", 2)};

  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone\0"s, slots, 9));
  this->engine_.reopen();

  EXPECT_EQ(this->store().find_tokens(kRomeo, "phone\0"s).value(), slots);
  EXPECT_TRUE(this->store().find_tokens(kRomeo, "phone")->empty());
  EXPECT_TRUE(this->store().find_tokens(kJuliet, "phone\0"s)->empty());
  EXPECT_TRUE(this->store().find_tokens(kNurse, "phone\0"s)->empty());
}

TYPED_TEST(AccountStoreContract, ReplacesAndForgetsTokens) {
  this->make(kRomeo);
  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", {token("a", 1), token("b", 2)}, 9));

  const domain::TokenSlots moved{token("b", 2), std::nullopt};
  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", moved, 9));
  EXPECT_EQ(this->store().find_tokens(kRomeo, "phone").value(), moved);

  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", {}, 9));
  EXPECT_TRUE(this->store().find_tokens(kRomeo, "phone")->empty());
}

TYPED_TEST(AccountStoreContract, KeepsTheTokensOfSoManyClients) {
  this->make(kRomeo);
  this->make(kJuliet);
  const auto give = [&](const domain::Jid& who, std::string_view client, int issued) {
    ASSERT_TRUE(this->store().put_tokens(who, client, {std::nullopt, token("seed", issued)}, 2));
  };
  give(kJuliet, "elsewhere", 0);
  give(kRomeo, "phone", 1);
  give(kRomeo, "desk", 2);
  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", {token("seed", 1), token("newer", 3)}, 2));

  give(kRomeo, "browser", 4);

  EXPECT_FALSE(this->store().find_tokens(kRomeo, "phone")->empty());
  EXPECT_TRUE(this->store().find_tokens(kRomeo, "desk")->empty());
  EXPECT_FALSE(this->store().find_tokens(kRomeo, "browser")->empty());
  EXPECT_FALSE(this->store().find_tokens(kJuliet, "elsewhere")->empty());
}

TYPED_TEST(AccountStoreContract, TokensEndWithThePasswordAndTheAccount) {
  this->make(kRomeo);
  const domain::TokenSlots slots{token("a", 1), std::nullopt};
  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", slots, 9));
  ASSERT_TRUE(this->store().add_key(kRomeo, {core::Hash::sha256, "salt", 5'000, "a", "b"}));
  ASSERT_FALSE(this->store().find_tokens(kRomeo, "phone")->empty());

  ASSERT_TRUE(this->store().set_keys(kRomeo, account(kRomeo).keys));
  EXPECT_TRUE(this->store().find_tokens(kRomeo, "phone")->empty());

  ASSERT_TRUE(this->store().put_tokens(kRomeo, "phone", slots, 9));
  ASSERT_TRUE(this->store().remove_account(kRomeo));
  this->make(kRomeo);
  EXPECT_TRUE(this->store().find_tokens(kRomeo, "phone")->empty());
}

TYPED_TEST(AccountStoreContract, KnowsNothingOfAnAccountThatIsNotThere) {
  auto& store = this->store();

  EXPECT_FALSE(store.find_account(kRomeo).value());
  EXPECT_FALSE(store.load_state(kRomeo)->exists);
  EXPECT_EQ(this->code(store.set_keys(kRomeo, {})), Errc::not_found);
  EXPECT_EQ(this->code(store.add_key(kRomeo, {})), Errc::not_found);
  EXPECT_EQ(this->code(store.put_tokens(kRomeo, "phone", {token("a", 1), std::nullopt}, 9)), Errc::not_found);
  EXPECT_EQ(this->code(store.set_disabled(kRomeo, true)), Errc::not_found);
  EXPECT_EQ(this->code(store.remove_account(kRomeo)), Errc::not_found);
  EXPECT_EQ(this->code(store.load_roster(kRomeo)), Errc::not_found);
  EXPECT_EQ(this->code(store.find_roster_item(kRomeo, kJuliet)), Errc::not_found);
  EXPECT_EQ(this->code(store.set_roster_entry(kRomeo, kJuliet, "", {})), Errc::not_found);
  EXPECT_EQ(this->code(store.set_subscription(kRomeo, kJuliet, {}, "")), Errc::not_found);
  EXPECT_EQ(this->code(store.remove_roster_item(kRomeo, kJuliet)), Errc::not_found);
  EXPECT_EQ(this->code(store.block(kRomeo, std::array{kJuliet})), Errc::not_found);
  EXPECT_EQ(this->code(store.unblock(kRomeo, {})), Errc::not_found);
  EXPECT_EQ(this->code(store.find_document(kRomeo, "vcard", "")), Errc::not_found);
  EXPECT_EQ(this->code(store.put_document(kRomeo, "vcard", "", "x")), Errc::not_found);
  EXPECT_EQ(this->code(store.documents_size(kRomeo)), Errc::not_found);
  EXPECT_EQ(this->code(store.set_last_activity(kRomeo, {})), Errc::not_found);
  EXPECT_EQ(this->code(store.find_last_activity(kRomeo)), Errc::not_found);
}

TYPED_TEST(AccountStoreContract, RemovesAnAccountWithAllThatItOwnsAndNothingElse) {
  auto& store = this->store();
  for (const auto& owner : {kRomeo, kJuliet}) {
    this->make(owner);
    ASSERT_TRUE(store.set_roster_entry(owner, kNurse, "Nurse", {}));
    ASSERT_TRUE(store.block(owner, std::array{jid("tybalt@capulet.example")}));
    ASSERT_TRUE(store.put_document(owner, "vcard", "", "<vCard/>"));
    ASSERT_TRUE(store.put_push(owner, {jid("push.example.com"), "node", "", ""}));
    ASSERT_TRUE(store.set_last_activity(owner, {at(5), "gone"}));
  }

  ASSERT_TRUE(store.remove_account(kRomeo));
  this->make(kRomeo);

  EXPECT_THAT(store.load_state(kRomeo)->contacts, IsEmpty());
  EXPECT_THAT(store.load_state(kRomeo)->blocked, IsEmpty());
  EXPECT_THAT(store.load_state(kRomeo)->push, IsEmpty());
  EXPECT_EQ(store.load_state(kRomeo)->roster_version, kFirstVersion);
  EXPECT_EQ(store.documents_size(kRomeo).value(), 0u);
  EXPECT_FALSE(store.find_last_activity(kRomeo).value());
  EXPECT_EQ(store.load_state(kJuliet)->contacts.size(), 1u);
  EXPECT_EQ(store.load_state(kJuliet)->blocked.size(), 1u);
  EXPECT_EQ(store.find_document(kJuliet, "vcard", "").value(), "<vCard/>");
  EXPECT_TRUE(store.find_last_activity(kJuliet).value());
}

TYPED_TEST(AccountStoreContract, ListsTenThousandAccountsInOrderPageByPage) {
  constexpr std::size_t kAccounts = 10'000, kPage = 999;
  auto& store = this->store();
  ASSERT_TRUE(store.begin());
  for (std::size_t i = 0; i < kAccounts; ++i) {
    ASSERT_TRUE(store.create_account(
        {.jid = jid(fmt::format("u{}@montague.example", i * 7919 % kAccounts)), .keys = {}, .name = {}, .email = {}}));
  }
  this->make(kJuliet);
  ASSERT_TRUE(store.commit());

  std::vector<std::string> seen;
  for (std::string after;;) {
    const auto page = store.list_accounts("montague.example", after, kPage);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    ASSERT_LE(page->size(), kPage);
    for (const auto& found : *page) seen.push_back(found.jid.full());
    after = seen.back();
  }

  EXPECT_EQ(seen.size(), kAccounts);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(store.count_accounts("montague.example").value(), kAccounts);
  EXPECT_EQ(store.count_accounts("capulet.example").value(), 1u);
  EXPECT_EQ(store.count_accounts("verona.example").value(), 0u);
}

TYPED_TEST(AccountStoreContract, ListsAccountsWithoutTheirKeys) {
  this->make(kRomeo);

  const auto page = this->store().list_accounts("montague.example", "", 10);

  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().name, "罗密欧 Montague");
  EXPECT_THAT(page->front().keys, IsEmpty());
}

// ---- roster ---------------------------------------------------------------------------------------------------------

TYPED_TEST(AccountStoreContract, KeepsNameAndGroupsInTheOrderGiven) {
  this->make(kRomeo);
  const std::vector<std::string> groups{"朋友", "", "Buddies"};

  const auto changed = this->store().set_roster_entry(kRomeo, jid("juliet@capulet.example/balcony"), "朱丽叶", groups);

  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->version, kFirstVersion + 1);
  EXPECT_EQ(changed->item.contact, kJuliet);
  EXPECT_TRUE(changed->item.subscription.listed);
  this->engine_.reopen();
  const auto roster = this->store().load_roster(kRomeo);
  EXPECT_EQ(roster->version, kFirstVersion + 1);
  EXPECT_THAT(roster->items, ElementsAre(changed->item));
  EXPECT_EQ(roster->items[0].name, "朱丽叶");
  EXPECT_EQ(roster->items[0].groups, groups);
  EXPECT_EQ(this->store().find_roster_item(kRomeo, kJuliet)->value(), changed->item);
  EXPECT_FALSE(this->store().find_roster_item(kRomeo, kNurse).value());
}

TYPED_TEST(AccountStoreContract, NamesAnItemWithoutTouchingItsSubscription) {
  this->make(kRomeo);
  const Subscription both{.to = true, .from = true, .approved = true, .listed = true};
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, both, ""));

  const auto changed = this->store().set_roster_entry(kRomeo, kJuliet, "J", {});

  EXPECT_EQ(changed->item.subscription, both);
  EXPECT_EQ(changed->item.name, "J");
  const auto again = this->store().set_subscription(kRomeo, kJuliet, {.from = true, .listed = true}, "");
  EXPECT_EQ(again->item.name, "J");
}

TYPED_TEST(AccountStoreContract, CountsOnlyTheChangesThatClientsSee) {
  this->make(kRomeo);
  const auto version = [&](Subscription subscription, std::string_view request = "") {
    return this->store().set_subscription(kRomeo, kJuliet, subscription, request)->version;
  };

  EXPECT_EQ(version({.asked = true}, "<status>hi</status>"), kFirstVersion);
  EXPECT_EQ(version({.approved = true}), kFirstVersion);
  EXPECT_EQ(version({.listed = true}), kFirstVersion + 1);
  EXPECT_EQ(version({.ask = true, .listed = true}), kFirstVersion + 2);
  EXPECT_EQ(version({.to = true, .listed = true}), kFirstVersion + 3);
  EXPECT_EQ(version({.to = true, .listed = true}), kFirstVersion + 3);
  EXPECT_EQ(version({.to = true, .asked = true, .listed = true}, "x"), kFirstVersion + 3);
  EXPECT_EQ(version({.to = true, .from = true, .listed = true}), kFirstVersion + 4);
  EXPECT_EQ(version({.to = true, .from = true, .approved = true, .listed = true}), kFirstVersion + 5);
  EXPECT_EQ(version({}), kFirstVersion + 6);
  EXPECT_EQ(this->store().load_state(kRomeo)->roster_version, kFirstVersion + 6);
}

TYPED_TEST(AccountStoreContract, KeepsARequestWhileItIsOpen) {
  this->make(kRomeo);
  const auto request = [&] { return this->store().find_roster_item(kRomeo, kJuliet)->value().request; };

  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.asked = true}, "<status>first</status>"));
  EXPECT_EQ(request(), "<status>first</status>");
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.ask = true, .asked = true, .listed = true}, ""));
  EXPECT_EQ(request(), "<status>first</status>");
  ASSERT_TRUE(
      this->store().set_subscription(kRomeo, kJuliet, {.asked = true, .listed = true}, "<status>second</status>"));
  EXPECT_EQ(request(), "<status>second</status>");
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.from = true, .listed = true}, "ignored"));
  EXPECT_EQ(request(), "");
}

TYPED_TEST(AccountStoreContract, ShowsInTheRosterOnlyWhatIsListedButKnowsTheState) {
  this->make(kRomeo);
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kNurse, {.asked = true}, ""));
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.to = true, .listed = true}, ""));

  const auto roster = this->store().load_roster(kRomeo);
  const auto state = this->store().load_state(kRomeo);

  ASSERT_EQ(roster->items.size(), 1u);
  EXPECT_EQ(roster->items[0].contact, kJuliet);
  ASSERT_EQ(state->contacts.size(), 2u);
  EXPECT_EQ(state->contacts[0].contact, kJuliet);
  EXPECT_EQ(state->contacts[1].contact, kNurse);
  EXPECT_TRUE(state->contacts[1].subscription.asked);
  EXPECT_EQ(this->code(this->store().remove_roster_item(kRomeo, kNurse)), Errc::not_found);
}

TYPED_TEST(AccountStoreContract, ForgetsAContactOfWhichNothingIsLeft) {
  this->make(kRomeo);
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.approved = true}, ""));
  ASSERT_TRUE(this->store().find_roster_item(kRomeo, kJuliet).value());

  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {}, ""));

  EXPECT_FALSE(this->store().find_roster_item(kRomeo, kJuliet).value());
  EXPECT_THAT(this->store().load_state(kRomeo)->contacts, IsEmpty());
}

TYPED_TEST(AccountStoreContract, DropsNameAndGroupsOfAnItemThatLeavesTheRosterButStaysAsked) {
  this->make(kRomeo);
  ASSERT_TRUE(this->store().set_roster_entry(kRomeo, kJuliet, "J", std::array{std::string{"g"}}));

  const auto changed = this->store().set_subscription(kRomeo, kJuliet, {.asked = true}, "r");

  EXPECT_EQ(changed->version, kFirstVersion + 2);
  EXPECT_EQ(changed->item.name, "");
  EXPECT_THAT(changed->item.groups, IsEmpty());
  EXPECT_EQ(this->store().find_roster_item(kRomeo, kJuliet)->value(), changed->item);
}

TYPED_TEST(AccountStoreContract, RemovesAnItemOnce) {
  this->make(kRomeo);
  ASSERT_TRUE(this->store().set_roster_entry(kRomeo, kJuliet, "", {}));

  EXPECT_EQ(this->store().remove_roster_item(kRomeo, kJuliet).value(), kFirstVersion + 2);

  EXPECT_EQ(this->code(this->store().remove_roster_item(kRomeo, kJuliet)), Errc::not_found);
  EXPECT_THAT(this->store().load_roster(kRomeo)->items, IsEmpty());
  EXPECT_EQ(this->store().load_roster(kRomeo)->version, kFirstVersion + 2);
}

// Whoever takes the name of a removed account next inherits nothing from other rosters.
TYPED_TEST(AccountStoreContract, EndsTheRightsOfARemovedAccount) {
  this->make(kRomeo);
  this->make(kJuliet);
  this->make(kNurse);
  ASSERT_TRUE(this->store().set_roster_entry(kRomeo, kJuliet, "J", {}));
  ASSERT_TRUE(this->store().set_subscription(kRomeo, kJuliet, {.to = true, .from = true, .listed = true}, ""));
  ASSERT_TRUE(this->store().set_subscription(kNurse, kJuliet, {.approved = true}, ""));
  const auto before = this->store().load_state(kRomeo)->roster_version;

  ASSERT_TRUE(this->store().remove_account(kJuliet));

  const auto item = this->store().find_roster_item(kRomeo, kJuliet)->value();
  EXPECT_EQ(item.subscription, (Subscription{.listed = true}));
  EXPECT_EQ(item.name, "J");
  EXPECT_EQ(this->store().load_state(kRomeo)->roster_version, before + 1);
  EXPECT_FALSE(this->store().find_roster_item(kNurse, kJuliet)->has_value());
}

// ---- the rest -------------------------------------------------------------------------------------------------------

TYPED_TEST(AccountStoreContract, BlocksAndUnblocks) {
  this->make(kRomeo);
  const auto device = jid("tybalt@capulet.example/sword"), host = jid("spam.example");
  const auto blocked = [&] { return this->store().load_state(kRomeo)->blocked; };

  ASSERT_TRUE(this->store().block(kRomeo, std::array{host, device}));
  ASSERT_TRUE(this->store().block(kRomeo, std::array{kNurse, host}));
  EXPECT_THAT(blocked(), ElementsAre(kNurse, host, device));
  ASSERT_TRUE(this->store().unblock(kRomeo, std::array{host, kJuliet}));
  EXPECT_THAT(blocked(), ElementsAre(kNurse, device));
  ASSERT_TRUE(this->store().unblock(kRomeo, {}));
  EXPECT_THAT(blocked(), IsEmpty());
}

TYPED_TEST(AccountStoreContract, KeepsPushTargetsByServiceAndNode) {
  this->make(kRomeo);
  auto& store = this->store();
  const auto service = jid("push.example.com"), other = jid("service@example.com/app");
  const domain::PushTarget one{service, "1", "", "phone"}, two{service, "2", "<x/>", "phone"}, third{other, "", "", ""};
  const auto push = [&] { return store.load_state(kRomeo)->push; };

  for (const auto& target : {two, third, one}) ASSERT_TRUE(store.put_push(kRomeo, target));
  EXPECT_THAT(push(), ElementsAre(one, two, third));

  const domain::PushTarget again{service, "1", "<x secret='2'/>", "desk"};
  ASSERT_TRUE(store.put_push(kRomeo, again));
  EXPECT_THAT(push(), ElementsAre(again, two, third));

  ASSERT_TRUE(store.remove_push(kRomeo, service, "2"));
  ASSERT_TRUE(store.remove_push(kRomeo, service, "2"));
  EXPECT_THAT(push(), ElementsAre(again, third));
  ASSERT_TRUE(store.remove_push(kRomeo, other, std::nullopt));
  ASSERT_TRUE(store.put_push(kRomeo, two));
  ASSERT_TRUE(store.remove_push(kRomeo, service, std::nullopt));
  EXPECT_THAT(push(), IsEmpty());
  EXPECT_EQ(this->code(store.put_push(kJuliet, one)), Errc::not_found);
  EXPECT_EQ(this->code(store.remove_push(kJuliet, service, "1")), Errc::not_found);
}

TYPED_TEST(AccountStoreContract, KeepsArchivePreferencesOnceTheyAreSet) {
  this->make(kRomeo);
  this->make(kJuliet);
  EXPECT_FALSE(this->store().load_state(kRomeo)->archive);
  const domain::ArchivePreferences first{.otherwise = domain::ArchiveDefault::roster,
                                         .always = {kJuliet, jid("nurse@capulet.example/room")},
                                         .never = {jid("capulet.example"), kNurse}};

  ASSERT_TRUE(this->store().set_archive_preferences(kRomeo, first));
  this->engine_.reopen();
  EXPECT_EQ(this->store().load_state(kRomeo)->archive, first);
  EXPECT_FALSE(this->store().load_state(kJuliet)->archive);

  const domain::ArchivePreferences second{.otherwise = domain::ArchiveDefault::never};
  ASSERT_TRUE(this->store().set_archive_preferences(kRomeo, second));
  EXPECT_EQ(this->store().load_state(kRomeo)->archive, second);
  ASSERT_TRUE(this->store().remove_account(kRomeo));
  this->make(kRomeo);
  EXPECT_FALSE(this->store().load_state(kRomeo)->archive);
  EXPECT_EQ(this->code(this->store().set_archive_preferences(kNurse, first)), Errc::not_found);
}

TYPED_TEST(AccountStoreContract, KeepsDocumentsByCollectionAndName) {
  this->make(kRomeo);
  this->make(kJuliet);
  auto& store = this->store();
  const std::string big(300'000, 'x');

  ASSERT_TRUE(store.put_document(kRomeo, "private", "storage:bookmarks", "one"));
  ASSERT_TRUE(store.put_document(kRomeo, "private", "storage:notes", big));
  ASSERT_TRUE(store.put_document(kRomeo, "vcard", "", std::string("a\0b", 3)));
  ASSERT_TRUE(store.put_document(kRomeo, "private", "storage:bookmarks", "second"));
  ASSERT_TRUE(store.put_document(kJuliet, "vcard", "", ""));

  EXPECT_EQ(store.find_document(kRomeo, "private", "storage:bookmarks").value(), "second");
  EXPECT_EQ(store.find_document(kRomeo, "private", "storage:notes").value(), big);
  EXPECT_EQ(store.find_document(kRomeo, "vcard", "").value(), std::string("a\0b", 3));
  EXPECT_EQ(store.find_document(kJuliet, "vcard", "").value(), "");
  EXPECT_FALSE(store.find_document(kRomeo, "private", "storage").value());
  EXPECT_EQ(store.documents_size(kRomeo).value(), 6 + big.size() + 3);
}

TYPED_TEST(AccountStoreContract, RemembersTheLastActivity) {
  this->make(kRomeo);
  EXPECT_FALSE(this->store().find_last_activity(kRomeo).value());

  ASSERT_TRUE(this->store().set_last_activity(kRomeo, {at(7), "晚安"}));
  ASSERT_TRUE(this->store().set_last_activity(kRomeo, {at(9), "再见"}));

  EXPECT_EQ(this->store().find_last_activity(kRomeo)->value().at, at(9));
  EXPECT_EQ(this->store().find_last_activity(kRomeo)->value().status, "再见");
}

TYPED_TEST(AccountStoreContract, KeepsSettingsByName) {
  EXPECT_FALSE(this->store().find_setting("secret").value());

  ASSERT_TRUE(this->store().put_setting("secret", std::string(32, '\0')));
  ASSERT_TRUE(this->store().put_setting("other", "x"));
  ASSERT_TRUE(this->store().put_setting("other", "y"));
  this->engine_.reopen();

  EXPECT_EQ(this->store().find_setting("secret").value(), std::string(32, '\0'));
  EXPECT_EQ(this->store().find_setting("other").value(), "y");
}

// ---- transactions ---------------------------------------------------------------------------------------------------

TYPED_TEST(AccountStoreContract, UndoesATransactionAsAWhole) {
  this->make(kRomeo);
  auto& store = this->store();
  ASSERT_TRUE(store.begin());
  this->make(kJuliet);
  ASSERT_TRUE(store.set_roster_entry(kRomeo, kJuliet, "J", {}));
  ASSERT_TRUE(store.put_setting("a", "b"));
  ASSERT_TRUE(store.remove_account(kRomeo));

  store.rollback();

  EXPECT_FALSE(store.find_account(kJuliet).value());
  EXPECT_FALSE(store.find_setting("a").value());
  ASSERT_TRUE(store.find_account(kRomeo).value());
  EXPECT_EQ((*store.find_account(kRomeo))->keys.size(), 2u);
  EXPECT_THAT(store.load_roster(kRomeo)->items, IsEmpty());
}

TYPED_TEST(AccountStoreContract, UndoesOneJobAndKeepsItsNeighbours) {
  auto& store = this->store();
  ASSERT_TRUE(store.begin());
  ASSERT_TRUE(store.savepoint());
  this->make(kRomeo);
  ASSERT_TRUE(store.savepoint());
  ASSERT_TRUE(store.set_disabled(kRomeo, true));
  this->make(kJuliet);
  ASSERT_TRUE(store.put_setting("a", "b"));
  store.rollback_to_savepoint();
  ASSERT_TRUE(store.savepoint());
  this->make(kNurse);

  ASSERT_TRUE(store.commit());
  this->engine_.reopen();

  EXPECT_FALSE((*this->store().find_account(kRomeo))->disabled);
  EXPECT_FALSE(this->store().find_account(kJuliet).value());
  EXPECT_FALSE(this->store().find_setting("a").value());
  EXPECT_TRUE(this->store().find_account(kNurse).value());
}

TYPED_TEST(AccountStoreContract, RollsBackOneTransactionAndCommitsTheNext) {
  auto& store = this->store();
  ASSERT_TRUE(store.begin());
  ASSERT_TRUE(store.savepoint());
  this->make(kRomeo);
  store.rollback();

  ASSERT_TRUE(store.begin());
  ASSERT_TRUE(store.savepoint());
  this->make(kJuliet);
  ASSERT_TRUE(store.commit());

  EXPECT_FALSE(store.find_account(kRomeo).value());
  EXPECT_TRUE(store.find_account(kJuliet).value());
}

}  // namespace
}  // namespace anser::store
