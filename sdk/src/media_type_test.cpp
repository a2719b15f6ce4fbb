#include "sdk/src/media_type.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

TEST(MediaType, IsToldByTheLastEnding) {
  EXPECT_EQ(media_type_of("très cool.png"), "image/png");
  EXPECT_EQ(media_type_of("IMG_1.JPG"), "image/jpeg");
  EXPECT_EQ(media_type_of("notes.png.txt"), "text/plain");
}

TEST(MediaType, IsUnknownWhereTheNameDoesNotSay) {
  for (const auto* name : {"", "png", "a.", "a.exe", "a.html", ".", "a.p n g"})
    EXPECT_EQ(media_type_of(name), "") << name;
}

}  // namespace
}  // namespace anser::sdk
