#include "xmpp/stream_text.h"

#include <gtest/gtest.h>

namespace anser::xmpp {
namespace {

TEST(ForLog, MakesOneWordOfAnAddress) {
  EXPECT_EQ(for_log("romeo@localhost/ from 192.0.2.1 failed"), "romeo@localhost/\\20from\\20192.0.2.1\\20failed");
  EXPECT_EQ(for_log("romeo@localhost/balcony"), "romeo@localhost/balcony");
}

}  // namespace
}  // namespace anser::xmpp
