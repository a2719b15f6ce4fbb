#include "store/record_codec.h"

#include <gtest/gtest.h>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

using domain::LogEntry;
using domain::RecordKind;
using test::message;
using test::note;

std::string encoded(const LogEntry& entry) {
  std::string bytes;
  encode_entry(entry, bytes);
  return bytes;
}

std::vector<LogEntry> examples() {
  auto alias = message("romeo@montague.example/orchard", "juliet@127.0.0.1", {.sender_archive = true, .offline = true});
  alias.owner = test::jid("juliet@capulet.example");
  auto nobody = message("romeo@montague.example", "juliet@capulet.example", {.outbound = true});
  nobody.owner = {};
  return {message("romeo@montague.example", "juliet@capulet.example/balcony", {.recipient_archive = true}),
          alias,
          nobody,
          note(RecordKind::offline, "juliet@capulet.example", 1'000'000),
          note(RecordKind::delivered, "juliet@capulet.example", 7),
          note(RecordKind::forget, "juliet@capulet.example"),
          test::released("juliet@capulet.example", {}),
          test::released("juliet@capulet.example", {1, 2, 300, 1ull << 40, ~0ull})};
}

TEST(RecordCodec, GivesBackWhatItTook) {
  for (const auto& entry : examples()) {
    const auto decoded = decode_entry(encoded(entry));

    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->kind, entry.kind);
    EXPECT_EQ(decoded->references, entry.references);
    EXPECT_EQ(decoded->owner, entry.owner);
    EXPECT_EQ(decoded->target, entry.target);
    EXPECT_EQ(decoded->envelope, entry.envelope);
    EXPECT_EQ(decoded->sequences, entry.sequences);
  }
}

TEST(RecordCodec, LeavesTheNoteOut) {
  for (const auto& entry : examples()) EXPECT_EQ(encoded(test::noted({7, 1, "note"}, entry)), encoded(entry));
}

TEST(RecordCodec, DoesNotRepeatTheRecipientsAddress) {
  const auto entry = message("romeo@montague.example", "juliet@capulet.example", {});
  std::string envelope;
  encode(entry.envelope, envelope);

  EXPECT_EQ(encoded(entry).size(), envelope.size() + 4);
}

TEST(RecordCodec, RefusesWhatIsCutShortOrTooLongOrOfAnotherVersion) {
  for (const auto& entry : examples()) {
    const std::string good = encoded(entry);
    for (std::size_t size = 0; size < good.size(); ++size) {
      const auto decoded = decode_entry(std::string_view{good}.substr(0, size));
      ASSERT_FALSE(decoded) << size;
      EXPECT_EQ(decoded.error().code, Errc::storage_failed);
    }
    EXPECT_FALSE(decode_entry(good + "x"));
    EXPECT_FALSE(decode_entry("\x02" + good.substr(1)));
    EXPECT_FALSE(decode_entry(good.substr(0, 1) + "\x04" + good.substr(2)));
    EXPECT_FALSE(decode_entry(good.substr(0, 1) + "\x06" + good.substr(2))) << "a note is no record";
    EXPECT_FALSE(decode_entry(good.substr(0, 2) + "\x20" + good.substr(3)));
  }
}

TEST(RecordCodec, RefusesSequencesThatDoNotAscend) {
  std::string start = encoded(test::released("a@x.example", {}));
  start.pop_back();  // how many there are
  using namespace std::string_literals;
  const std::string most = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";

  EXPECT_TRUE(decode_entry(start + "\x02\x01\x01"));
  EXPECT_FALSE(decode_entry(start + "\x01\x00"s));
  EXPECT_FALSE(decode_entry(start + "\x02\x01\x00"s));
  EXPECT_FALSE(decode_entry(start + "\x02\x01" + most)) << "comes round";
  EXPECT_FALSE(decode_entry(start + most + "\x01")) << "more than there are";
}

}  // namespace
}  // namespace anser::store
