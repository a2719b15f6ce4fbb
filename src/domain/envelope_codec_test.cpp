#include <gtest/gtest.h>

#include <random>

#include "domain/byte_codec.h"
#include "domain/envelope.h"

namespace anser::domain {
namespace {

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

Envelope full_envelope() {
  Envelope envelope;
  envelope.kind = Kind::presence;
  envelope.type = Type::subscribe;
  envelope.facts = {.has_body = true,
                    .chat_state_only = true,
                    .no_permanent_store = true,
                    .store = true,
                    .temporary_sender = true,
                    .typed = true,
                    .sender_forgoes = true,
                    .priority = -128};
  envelope.from = jid("romeo@montague.example/orchard");
  envelope.to = jid("juliet@capulet.example");
  envelope.id = "a'1";
  envelope.lang = "zh-Hans";
  envelope.extra = " xmlns:x='urn:example'";
  envelope.origin_id = "\xe4\xbd\xa0\xe5\xa5\xbd";
  envelope.retracts = "m1";
  envelope.retracted = Time{Duration{1'700'000'000'000'000}};
  envelope.inner = Bytes::copy(std::string(300, 'x'));
  envelope.failure = Error{Errc::internal, "broken"};
  return envelope;
}

std::string encoded(const Envelope& envelope) {
  std::string bytes;
  encode(envelope, bytes);
  return bytes;
}

TEST(EnvelopeCodec, GivesBackWhatItTook) {
  for (const Envelope& envelope : {Envelope{}, full_envelope()}) {
    const std::string bytes = encoded(envelope);

    std::string_view in{bytes};
    const auto decoded = decode_envelope(in);

    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, envelope);
    EXPECT_TRUE(in.empty());
  }
}

TEST(EnvelopeCodec, KeepsEachFactApart) {
  for (int bit = 0; bit < 8; ++bit) {
    Envelope envelope;
    envelope.facts = {.has_body = bit == 0,
                      .has_subject = bit == 1,
                      .chat_state_only = bit == 2,
                      .no_store = bit == 3,
                      .no_permanent_store = bit == 4,
                      .no_copy = bit == 5,
                      .store = bit == 6,
                      .has_payload = bit == 7};
    const std::string bytes = encoded(envelope);

    std::string_view in{bytes};

    EXPECT_EQ(decode_envelope(in).value().facts, envelope.facts) << bit;
    EXPECT_EQ(static_cast<unsigned char>(bytes[3]), 1u << bit);
  }
}

TEST(EnvelopeCodec, KeepsEachFactOfTheSecondByteApart) {
  for (int bit = 0; bit < 7; ++bit) {
    Envelope envelope;
    envelope.facts = {.temporary_sender = bit == 0,
                      .typed = bit == 1,
                      .conversation = bit == 2,
                      .from_room = bit == 3,
                      .no_carbons = bit == 4,
                      .tell_sender = bit == 5,
                      .to_any_session = bit == 6};
    const std::string bytes = encoded(envelope);

    std::string_view in{bytes};

    EXPECT_EQ(decode_envelope(in).value().facts, envelope.facts) << bit;
    EXPECT_EQ(static_cast<unsigned char>(bytes[4]), 1u << bit);
  }
}

TEST(EnvelopeCodec, LeavesWhatFollowsAlone) {
  const std::string bytes = encoded(full_envelope()) + "tail";

  std::string_view in{bytes};
  ASSERT_TRUE(decode_envelope(in));

  EXPECT_EQ(in, "tail");
}

TEST(EnvelopeCodec, RefusesEveryCutShortEnvelopeAndConsumesNothing) {
  const std::string bytes = encoded(full_envelope());

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view{bytes}.substr(0, size);
    const auto decoded = decode_envelope(in);

    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, Errc::bad_request);
    EXPECT_EQ(in.size(), size);
  }
}

TEST(EnvelopeCodec, RefusesWhatItWouldNotHaveMade) {
  const std::string good = encoded(Envelope{});
  ASSERT_EQ(good.size(), 14u);
  const auto refuses = [](std::string bytes) {
    std::string_view in{bytes};
    return !decode_envelope(in);
  };
  const auto with = [&](std::size_t at, char value) {
    std::string bytes = good;
    bytes[at] = value;
    return bytes;
  };

  EXPECT_TRUE(refuses(with(0, 0)));
  EXPECT_TRUE(refuses(with(0, 2)));
  EXPECT_TRUE(refuses(with(1, 3)));
  EXPECT_TRUE(refuses(with(2, 15)));
  EXPECT_TRUE(refuses(with(13, 100)));
  // an address that is not in its prepared form, or none at all
  std::string bytes = good.substr(0, 6);
  put_string(bytes, "Romeo@montague.example");
  EXPECT_TRUE(refuses(bytes + good.substr(7)));
  bytes = good.substr(0, 6);
  put_string(bytes, "@");
  EXPECT_TRUE(refuses(bytes + good.substr(7)));
  // an id longer than the limit, and one longer than what is there
  bytes = good.substr(0, 7);
  put_string(bytes, std::string((1 << 20) + 1, 'i'));
  EXPECT_TRUE(refuses(bytes + good.substr(8)));
  bytes = good.substr(0, 7);
  put_varint(bytes, ~std::uint64_t{0});
  EXPECT_TRUE(refuses(bytes + good.substr(8)));
}

// Whatever the bytes are: refused, or exactly what encoding makes of what was decoded.
TEST(EnvelopeCodec, HasOneSpellingOfEachEnvelope) {
  const std::string good = encoded(full_envelope());
  std::mt19937 random{1};
  int decoded_some = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (auto changes = random() % 3 + 1; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());

    std::string_view in{bytes};
    const auto decoded = decode_envelope(in);
    if (!decoded) continue;

    ++decoded_some;
    ASSERT_EQ(encoded(*decoded) + std::string{in}, bytes);
  }
  EXPECT_GT(decoded_some, 1'000);
}

TEST(ByteCodec, ReadsEveryVarintBack) {
  for (int bits = 0; bits < 64; ++bits) {
    for (const std::uint64_t number : {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1, ~std::uint64_t{0}}) {
      std::string bytes;
      put_varint(bytes, number);

      ByteReader reader{bytes};

      EXPECT_EQ(reader.varint(), number);
      EXPECT_TRUE(reader.ok() && reader.rest().empty());
    }
  }
}

TEST(ByteCodec, KnowsOneSpellingOfEachNumber) {
  for (const std::string_view bytes :
       {std::string_view{"\x80\x00", 2}, std::string_view{"\x81\x80\x00", 3},
        std::string_view{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},
        std::string_view{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}, std::string_view{}}) {
    ByteReader reader{bytes};

    EXPECT_EQ(reader.varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

}  // namespace
}  // namespace anser::domain
