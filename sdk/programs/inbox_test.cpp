#include "sdk/programs/inbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

namespace anser::programs {
namespace {

bool is_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, 0) == 1;
}

TEST(Inbox, IsReadableWhileSomethingIsInIt) {
  Inbox<int> inbox{10};
  EXPECT_FALSE(is_readable(inbox.fd()));

  std::thread{[&] {
    inbox.post(1);
    inbox.post(2);
  }}.join();

  EXPECT_TRUE(is_readable(inbox.fd()));
  EXPECT_EQ(inbox.take(), (std::deque{1, 2}));
  EXPECT_FALSE(is_readable(inbox.fd()));
  EXPECT_TRUE(inbox.take().empty());
}

TEST(Inbox, CountsWhatItHasNoRoomFor) {
  Inbox<int> inbox{2};

  for (int i = 0; i < 5; ++i) inbox.post(i);

  EXPECT_EQ(inbox.take(), (std::deque{0, 1}));
  EXPECT_EQ(inbox.lost(), 3u);
  EXPECT_EQ(inbox.lost(), 0u);
  inbox.post(9);
  EXPECT_EQ(inbox.take(), std::deque{9});
}

}  // namespace
}  // namespace anser::programs
