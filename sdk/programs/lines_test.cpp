#include "sdk/programs/lines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string_view>
#include <vector>

namespace anser::programs {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~Pipe() {
    close(ends_[0]);
    shut();
  }
  int out() const { return ends_[0]; }
  void say(std::string_view text) {
    EXPECT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void shut() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::vector<std::string> lines_so_far(LineReader& reader) {
  std::vector<std::string> lines;
  while (auto line = reader.next()) lines.push_back(line->too_long ? "(too long)" : line->text);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, GivesWholeLinesAndKeepsTheRest) {
  Pipe pipe;
  LineReader reader{pipe.out(), 100};
  pipe.say("one\r\ntwo\n\nthr");

  reader.read_some();
  EXPECT_EQ(lines_so_far(reader), (Lines{"one", "two", ""}));

  pipe.say("ee\n");
  reader.read_some();
  EXPECT_EQ(lines_so_far(reader), Lines{"three"});
}

TEST(LineReader, GivesTheLastLineWithoutItsEnd) {
  Pipe pipe;
  LineReader reader{pipe.out(), 100};
  pipe.say("a\nb");
  pipe.shut();

  Lines lines;
  while (!reader.at_end()) {
    reader.read_some();
    for (auto& line : lines_so_far(reader)) lines.push_back(line);
  }

  EXPECT_EQ(lines, (Lines{"a", "b"}));
  EXPECT_FALSE(reader.next());
}

TEST(LineReader, SkipsALineThatIsTooLongAndCountsIt) {
  Pipe pipe;
  LineReader reader{pipe.out(), 4};
  pipe.say("123456");
  reader.read_some();
  EXPECT_FALSE(reader.next());

  pipe.say("789\n12345\n1234\n");
  reader.read_some();

  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->too_long);
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->too_long);
  const auto third = reader.next();
  ASSERT_TRUE(third);
  EXPECT_EQ(third->text, "1234");
  EXPECT_EQ(third->number, 3u);
}

}  // namespace
}  // namespace anser::programs
