#include "upload/addresses.h"

#include <gtest/gtest.h>

namespace anser::upload {
namespace {

TEST(Addresses, AnIdIsFoundWhateverTheNameIs) {
  for (const auto* path : {"/files/ab_-9", "/files/ab_-9/", "/files/ab_-9/a.png", "/files/ab_-9/../../etc/passwd"})
    EXPECT_EQ(file_id_in(path), "ab_-9") << path;
}

TEST(Addresses, WhatIsNoIdIsNothing) {
  for (const std::string path :
       {"/files/", "/files//a", "/files/../x", "/files/a.b/x", "/files/图/x", "/files/a b", "/file/ab", "", "/files"})
    EXPECT_EQ(file_id_in(path), "") << path;
  EXPECT_EQ(file_id_in("/files/" + std::string(65, 'a')), "");
  EXPECT_EQ(file_id_in(std::string{"/files/a\0b", 10}), "");
}

TEST(Addresses, ARemovalHasAnIdAndAKey) {
  EXPECT_EQ(removal_in("/delete/ab/k_-1").id, "ab");
  EXPECT_EQ(removal_in("/delete/ab/k_-1").key, "k_-1");
  for (const auto* path : {"/delete/", "/delete/ab", "/delete/ab/", "/delete//k", "/delete/ab/k/", "/delete/ab/k/x",
                           "/delete/../k", "/deletes/ab/k"}) {
    EXPECT_EQ(removal_in(path).id, "") << path;
    EXPECT_EQ(removal_in(path).key, "") << path;
  }
}

}  // namespace
}  // namespace anser::upload
