#include "xml/writer.h"

#include <gtest/gtest.h>

#include "xml/element.h"

namespace anser::xml {
namespace {

TEST(Writer, FramesAStanzaAroundWhatIsWrittenAlready) {
  std::string out;
  Writer writer{out};

  writer.open("message").attr("to", "juliet@example.com").attr_if("xml:lang", "").raw("<body>hi</body>");
  writer.open("delay", "urn:xmpp:delay").attr("stamp", "2002-09-10T23:08:25Z").close().close();

  EXPECT_EQ(out,
            "<message to='juliet@example.com'><body>hi</body>"
            "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/></message>");
  EXPECT_EQ(writer.depth(), 0u);
}

TEST(Writer, EscapesTextAndAttributes) {
  std::string out;
  Writer{out}.open("a").attr("b", "it's <c>").text("x & y").close();

  const auto element = parse_element(out);

  ASSERT_TRUE(element) << element.error().message;
  EXPECT_EQ(element->attr("b"), "it's <c>");
  EXPECT_EQ(element->text(), "x & y");
}

TEST(Writer, ClosesAnElementWithoutContentAtOnce) {
  std::string out;
  Writer{out}.open("a").text("").raw("").raw_attrs(" b='c'").element("d", "").close();
  EXPECT_EQ(out, "<a b='c'><d/></a>");
}

TEST(Writer, LeavesAStreamHeaderOpen) {
  std::string out;
  Writer{out}.open("stream:stream").attr("version", "1.0").finish_tag();
  EXPECT_EQ(out, "<stream:stream version='1.0'>");
}

TEST(Writer, AppendsToWhatTheStringHolds) {
  std::string out = "<before/>";
  Writer{out}.open("a").open("bc").text("d").close().close();
  EXPECT_EQ(out, "<before/><a><bc>d</bc></a>");
}

TEST(WriterDeathTest, DoesNotCloseWhatIsNotOpen) {
  std::string out;
  EXPECT_DEATH(Writer{out}.close(), "depth_ > 0");
}

}  // namespace
}  // namespace anser::xml
