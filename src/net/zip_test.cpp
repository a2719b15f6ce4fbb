#include "net/zip.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <thread>

#include "net/test_support.h"

namespace anser::net {
namespace {

std::string xml_of(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) {
    text += "<message to='juliet' id='" + std::to_string(i * 7919) + "'><body>wherefore</body></message>";
  }
  text.resize(size);
  return text;
}

// One piece in, everything out.
Result<std::string> inflate_all(Zip& zip, std::string_view compressed, std::size_t step = 1000) {
  std::string all;
  std::string buffer(step, '\0');
  zip.feed(compressed);
  while (zip.more()) {
    const auto size = zip.inflate(buffer);
    if (!size) return pass(size);
    all.append(buffer, 0, *size);
  }
  return all;
}

TEST(Zip, GivesBackWhatWasCompressedPieceByPiece) {
  auto ours = *Zip::make({});
  auto theirs = *Zip::make({});
  for (const std::size_t size : {1u, 10u, 1000u, 100'000u, 999u}) {
    const std::string plain = xml_of(size);
    std::string wire;
    ours->deflate(plain, wire);

    EXPECT_EQ(inflate_all(*theirs, wire), plain);
    EXPECT_FALSE(theirs->more());
  }
}

TEST(Zip, AppendsToWhatIsAlreadyOnTheWire) {
  auto ours = *Zip::make({});
  std::string wire = "<compressed/>";
  ours->deflate("hello", wire);

  auto theirs = *Zip::make({});
  EXPECT_EQ(inflate_all(*theirs, std::string_view{wire}.substr(13)), "hello");
}

TEST(Zip, CompressesAsHardAsItIsTold) {
  const auto size_at = [](int level) {
    CompressionLimits limits;
    limits.level = level;
    std::string wire;
    (*Zip::make(limits))->deflate(xml_of(100'000), wire);
    return wire.size();
  };
  EXPECT_GT(size_at(1), size_at(9));
}

TEST(Zip, TakesInputSplitAtEveryByte) {
  auto ours = *Zip::make({});
  auto theirs = *Zip::make({});
  const std::string plain = xml_of(3000);
  std::string wire;
  ours->deflate(plain, wire);
  std::string all;
  for (const char& byte : wire) all += *inflate_all(*theirs, {&byte, 1}, 7);

  EXPECT_EQ(all, plain);
}

TEST(Zip, RefusesABombInOnePiece) {
  auto bomber = *Zip::make({.window_bits = 15, .memory_level = 9});
  std::string wire;
  bomber->deflate(std::string(16'000'000, ' '), wire);
  ASSERT_LT(wire.size(), 20'000u);
  auto ours = *Zip::make({.inflated_per_read = 1'000'000});

  const auto inflated = inflate_all(*ours, wire);

  ASSERT_FALSE(inflated);
  EXPECT_EQ(inflated.error().code, Errc::policy_violation);
}

TEST(Zip, RefusesABombInManySmallPieces) {
  auto bomber = *Zip::make({.window_bits = 15, .memory_level = 9});
  auto ours = *Zip::make({.ratio = 100});
  std::optional<Errc> refused;
  std::size_t inflated = 0;
  for (int i = 0; i < 100 && !refused; ++i) {
    std::string wire;
    bomber->deflate(std::string(50'000, ' '), wire);  // fits the first credit, but 500 to 1
    const auto piece = inflate_all(*ours, wire);
    if (!piece) refused = piece.error().code;
    if (piece) inflated += piece->size();
  }

  EXPECT_EQ(refused, Errc::policy_violation);
  EXPECT_LT(inflated, 200'000u);
}

TEST(Zip, TalksAsMuchAsItLikesBelowTheRatio) {
  auto chatty = *Zip::make({});
  auto ours = *Zip::make({.ratio = 100});
  for (int i = 0; i < 1000; ++i) {
    std::string wire;
    chatty->deflate(xml_of(5000), wire);
    ASSERT_TRUE(inflate_all(*ours, wire));
  }
}

TEST(Zip, RefusesWhatIsNotZlib) {
  auto ours = *Zip::make({});

  const auto inflated = inflate_all(*ours, "<stream:stream>");

  ASSERT_FALSE(inflated);
  EXPECT_EQ(inflated.error().code, Errc::bad_request);
}

TEST(Zip, TheEndOfTheirStreamIsTheEndOfInput) {
  std::string wire(100, '\0');
  uLongf size = wire.size();
  ASSERT_EQ(::compress(reinterpret_cast<Bytef*>(wire.data()), &size, reinterpret_cast<const Bytef*>("bye"), 3), Z_OK);
  auto ours = *Zip::make({});
  std::array<char, 100> buffer;
  ours->feed({wire.data(), size});

  EXPECT_EQ(ours->inflate(buffer), 3u);
  ASSERT_TRUE(ours->more());
  const auto end = ours->inflate(buffer);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
}

// On a connection ----------------------------------------------------------------------------------------------------

Task<void> compress_and_answer(Connection& connection, const std::string& question, const std::string& answer) {
  connection.out() += "<compressed/>";  // the last that leaves as it is
  const auto started = connection.start_compression({});
  EXPECT_TRUE(started);
  EXPECT_FALSE(connection.start_compression({}));
  const std::string asked = co_await read_exactly(connection, question.size());
  EXPECT_EQ(asked, question);
  connection.out() += answer;
  const auto drained = co_await connection.drained();
  EXPECT_TRUE(drained);
}

TEST(CompressedConnection, IsCompressedBothWaysFromTheNextByte) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  const std::string question = xml_of(300'000);  // more than the read buffer
  const std::string answer = xml_of(50'000);
  auto zip = *Zip::make({});
  std::string wire;
  zip->deflate(question, wire);
  std::jthread sender{[&, &theirs = theirs] { theirs.send(wire); }};

  loop.run(compress_and_answer(connection, question, answer));

  ASSERT_EQ(theirs.receive_exactly(13), "<compressed/>");
  std::string inflated;
  while (inflated.size() < answer.size()) inflated += *inflate_all(*zip, theirs.receive());
  EXPECT_EQ(inflated, answer);
}

Task<void> read_a_bomb(Connection& connection) {
  EXPECT_TRUE(connection.start_compression({}));
  Result<std::string_view> input;
  std::size_t inflated = 0;
  do {
    input = co_await connection.read();
    if (input) inflated += input->size();
  } while (input);
  EXPECT_EQ(input.error().code, Errc::policy_violation);
  EXPECT_LE(inflated, CompressionLimits{}.inflated_per_read);
}

TEST(CompressedConnection, RefusesABomb) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  auto bomber = *Zip::make({.window_bits = 15, .memory_level = 9});
  std::string wire;
  bomber->deflate(std::string(10'000'000, ' '), wire);
  theirs.send(wire);

  loop.run(read_a_bomb(connection));
}

Task<void> move_while_inflating(Connection& before, Core& core, const std::string& question) {
  EXPECT_TRUE(before.start_compression({}));
  const auto first = co_await before.read();
  EXPECT_TRUE(first);
  std::string all{first->substr(0, 100)};
  Connection after{core, before.hand_over(first->substr(100))};
  all += co_await read_exactly(after, question.size() - all.size());
  EXPECT_EQ(all, question);
}

TEST(CompressedConnection, MovesInTheMiddleOfAPiece) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};
  const std::string question = xml_of(200'000);
  auto zip = *Zip::make({});
  std::string wire;
  zip->deflate(question, wire);
  std::jthread sender{[&, &theirs = theirs] { theirs.send(wire); }};

  loop.run(move_while_inflating(connection, loop.core, question));
}

}  // namespace
}  // namespace anser::net
