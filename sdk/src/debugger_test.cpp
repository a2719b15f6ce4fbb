#include "sdk/src/debugger.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace anser::sdk {
namespace {

TEST(Debugger, BlanksWhatIsSecret) {
  EXPECT_EQ(blanked("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"),
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>…</auth>");
  EXPECT_EQ(
      blanked("<iq type='set'><query xmlns='jabber:iq:auth'><username>romeo</username><password>a&amp;b</password>"
              "<resource>r</resource></query></iq>"),
      "<iq type='set'><query xmlns='jabber:iq:auth'><username>romeo</username><password>…</password>"
      "<resource>r</resource></query></iq>");
  EXPECT_EQ(blanked("<x:response xmlns:x='urn:ietf:params:xml:ns:xmpp-sasl'>c2VjcmV0</x:response>"),
            "<x:response xmlns:x='urn:ietf:params:xml:ns:xmpp-sasl'>…</x:response>");
}

TEST(Debugger, BlanksAPasswordInAForm) {
  EXPECT_EQ(blanked("<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data'><field var='password'>"
                    "<value>s3cret</value></field></x></query>"),
            "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data'><field var='password'>"
            "<value>…</value></field></x></query>");
}

TEST(Debugger, LeavesEverythingElse) {
  for (const char* xml : {"<message><body>auth &lt;password&gt;</body></message>", "<presence/>", "</stream:stream>",
                          "<?xml version='1.0'?><stream:stream to='example.org'>", "<password/>", "<auth></auth>", "x"})
    EXPECT_EQ(blanked(xml), xml);
}

TEST(Debugger, WritesALineForEachElement) {
  std::ostringstream out;
  const DebugView view{debug_to(out)};

  view.sent("<presence/>");
  view.sent("<auth>c2VjcmV0</auth>");

  const std::string text = out.str();
  EXPECT_NE(text.find("→ <presence/>\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("c2VjcmV0"), std::string::npos);
}

TEST(Debugger, SaysWhenAFileCannotBeWritten) {
  const auto debugger = debug_to_file("/nonexistent/file");

  ASSERT_FALSE(debugger);
  EXPECT_EQ(debugger.error().code, Errc::io);
}

}  // namespace
}  // namespace anser::sdk
