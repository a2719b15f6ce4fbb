#include "codec/find.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace anser::codec {
namespace {

// Place by place, of the memory exactly, so that the address sanitizer sees what reads beyond it.
std::size_t obvious(std::string_view text, std::string_view delimiter) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view here = text.substr(at, delimiter.size());
    if (delimiter.starts_with(here)) return at;
  }
  return text.size();
}

// What every kind of vector finds.
std::size_t found(std::string_view delimiter, std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());
  const std::string_view view{exact.data(), exact.size()};
  const std::size_t expected = obvious(text, delimiter);
  for (const Finder::Vectors vectors : Finder::available()) {
    const std::size_t at = Finder{delimiter, vectors}.find(view);
    EXPECT_EQ(at, expected) << "vectors " << static_cast<int>(vectors) << ", " << text.size() << " bytes";
  }
  return expected;
}

std::string repeated(std::string_view pattern, std::size_t size) {
  std::string text;
  while (text.size() < size) text += pattern;
  text.resize(size);
  return text;
}

const std::string kBrowsers = "\r\n------WebKitFormBoundaryAbC7yZq0pLmN3xWv";

TEST(Finder, FindsTheDelimiterAtEveryPlaceOfEverySize) {
  for (const std::size_t size : {5u, 31u, 44u, 74u}) {
    const std::string delimiter = "\r\n--" + std::string(size - 5, 'a') + "z";
    for (std::size_t at = 0; at < 400; ++at) {
      const std::string text = std::string(at, 'z') + delimiter + std::string(400 - at, 'a');
      EXPECT_EQ(found(delimiter, text), at);
    }
  }
}

TEST(Finder, FindsWhatTheEndCutsOff) {
  for (std::size_t before = 0; before < 300; before += 7) {
    for (std::size_t size = 1; size <= kBrowsers.size(); ++size) {
      const std::string text = std::string(before, '-') + kBrowsers.substr(0, size);
      EXPECT_EQ(found(kBrowsers, text), before);
    }
  }
}

TEST(Finder, FindsNothingWhereThereIsNothing) {
  for (std::size_t size = 0; size < 600; ++size) EXPECT_EQ(found(kBrowsers, std::string(size, '-')), size);
}

TEST(Finder, FindsTheFirstOfSeveral) {
  const std::string text = "data" + kBrowsers + "more" + kBrowsers + std::string(500, 'x');
  EXPECT_EQ(found(kBrowsers, text), 4u);
}

TEST(Finder, IsNotTakenInByWhatDiffersInOneByte) {
  for (std::size_t wrong = 0; wrong < kBrowsers.size(); ++wrong) {
    std::string near = kBrowsers;
    near[wrong] = '!';
    for (const std::size_t distance : {44u, 45u, 64u, 100u, 333u}) {
      near.resize(distance, '.');
      const std::string text = repeated(near, 2000) + kBrowsers;
      EXPECT_EQ(found(kBrowsers, text), 2000u);
    }
  }
}

TEST(Finder, AgreesWithTheObviousOneOnTextsMadeOfThePiecesOfTheDelimiter) {
  std::mt19937 random{1};
  const std::vector<std::string> delimiters{"\r\n--a", "\r\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                            "\r\n-----------------b", kBrowsers, "\r"};
  for (const std::string& delimiter : delimiters) {
    for (int round = 0; round < 1500; ++round) {
      std::string text;
      const std::size_t size = random() % 700;
      while (text.size() < size) {
        const std::size_t from = random() % 3 == 0 ? random() % delimiter.size() : 0;
        text += delimiter.substr(from, random() % (delimiter.size() + 2));
        if (random() % 5 == 0) text += static_cast<char>(random());
        // Rarely whole, so that it does not always end early.
        if (text.find(delimiter) != std::string::npos && random() % 16 != 0) text.resize(text.find(delimiter));
        if (random() % 64 == 0) break;
      }
      found(delimiter, text);
    }
  }
}

TEST(Finder, AgreesWithTheObviousOneOnPrefixesRepeated) {
  const std::string delimiter = "\r\n--" + std::string(70, 'a');
  for (std::size_t size = 1; size < delimiter.size(); ++size) {
    const std::string text = repeated(delimiter.substr(0, size), 1500);
    found(delimiter, text);
    found(delimiter, text + delimiter);
  }
}

TEST(Finder, LooksAtEveryPieceOfMemoryWithinItsBounds) {
  const std::string text = repeated(kBrowsers.substr(0, 43) + '!', 1000);
  for (std::size_t from = 0; from < 70; ++from) {
    for (std::size_t size = 0; size < 330; ++size) found(kBrowsers, std::string_view{text}.substr(from, size));
  }
}

}  // namespace
}  // namespace anser::codec
