#include "codec/crc32.h"

#include <gtest/gtest.h>

namespace anser::codec {
namespace {

TEST(Crc32, IsTheOneOfZip) {
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32(0, ""), 0u);
}

TEST(Crc32, GoesOnFromPieceToPiece) { EXPECT_EQ(crc32(crc32(crc32(0, "1234"), {}), "56789"), 0xcbf43926u); }

}  // namespace
}  // namespace anser::codec
