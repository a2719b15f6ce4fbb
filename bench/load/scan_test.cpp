#include "scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace anser::load {
namespace {

constexpr std::string_view kStream =
    "<?xml version='1.0'?>\n<stream:stream id=\"a>b\" version='1.0'><stream:features><a/><b>x</b></stream:features> "
    "<message to='a/>b' from=\"it's\"><body>1 &lt; 2</body></message><presence/>\n</stream:stream>";

const std::vector<std::string> kPieces = {
    "<stream:stream id=\"a>b\" version='1.0'>",
    "<stream:features><a/><b>x</b></stream:features>",
    "<message to='a/>b' from=\"it's\"><body>1 &lt; 2</body></message>",
    "<presence/>",
    "</stream:stream>",
};

// Feeds what arrived so far as a client does: whole pieces are taken out, the tail waits.
struct Reader {
  void read(std::string_view bytes) {
    tail += bytes;
    for (Piece piece; (piece = next_piece(tail, in_stream)).found != Found::nothing;) {
      in_stream = in_stream || piece.found == Found::header;
      pieces.push_back(tail.substr(piece.start, piece.end - piece.start));
      kinds.push_back(piece.found);
      tail.erase(0, piece.end);
    }
  }

  std::string tail;
  bool in_stream = false;
  std::vector<std::string> pieces;
  std::vector<Found> kinds;
};

TEST(Scan, FindsThePiecesOfAStream) {
  Reader reader;

  reader.read(kStream);

  EXPECT_EQ(reader.pieces, kPieces);
  EXPECT_EQ(reader.kinds, (std::vector<Found>{Found::header, Found::stanza, Found::stanza, Found::stanza, Found::end}));
}

TEST(Scan, FindsTheSamePiecesHoweverTheBytesAreCut) {
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    Reader reader;

    reader.read(kStream.substr(0, cut));
    reader.read(kStream.substr(cut));

    EXPECT_EQ(reader.pieces, kPieces) << "cut at " << cut;
  }
}

TEST(Scan, TakesSpacesForNothing) {
  EXPECT_EQ(next_piece(" \n ", true).found, Found::nothing);
  EXPECT_EQ(next_piece("", false).found, Found::nothing);
}

TEST(Scan, FindsAnAttributeOfTheFirstTagAlone) {
  constexpr std::string_view kTag = "<a b='x' to='to=\"y\"' h = \"1\" ><c d='z'/></a>";

  EXPECT_EQ(attribute_of(kTag, "b"), "x");
  EXPECT_EQ(attribute_of(kTag, "to"), "to=\"y\"");
  EXPECT_EQ(attribute_of(kTag, "h"), "1");
  EXPECT_EQ(attribute_of(kTag, "d"), "");
  EXPECT_EQ(attribute_of("<a/>", "b"), "");
  EXPECT_EQ(attribute_of("<a b='x", "b"), "");
}

}  // namespace
}  // namespace anser::load
