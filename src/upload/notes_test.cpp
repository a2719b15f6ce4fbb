#include "upload/notes.h"

#include <gtest/gtest.h>

namespace anser::upload {
namespace {

TEST(Notes, ComeBackAsTheyWere) {
  for (const Notes& notes :
       {Notes{}, Notes{.metadata = "filename YQ==,b", .concat = "final;/uploads/a /uploads/b", .tus = true},
        Notes{.digest = "sha-256=:RK/0:", .slot = true}, Notes{.slot = true}})
    EXPECT_EQ(notes_of(to_text(notes)), notes);
}

TEST(Notes, SurviveLinesOfALaterVersion) {
  EXPECT_EQ(notes_of("later words\nslot \n\nconcat partial"), (Notes{.concat = "partial", .slot = true}));
}

}  // namespace
}  // namespace anser::upload
