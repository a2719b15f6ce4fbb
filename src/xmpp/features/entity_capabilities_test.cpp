#include <gtest/gtest.h>

#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

xml::Element info(std::string_view children) {
  return xml::parse_element("<query xmlns='http://jabber.org/protocol/disco#info'>" + std::string{children} +
                            "</query>")
      .value();
}

// The last field before the others and its values the wrong way round, so that nothing is in order by chance.
constexpr std::string_view kSoftwareForm =
    "<x xmlns='jabber:x:data' type='result'>"
    "<field var='software_version'><value>0.11</value></field>"
    "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>"
    "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>"
    "<field var='os'><value>Mac</value></field>"
    "<field var='os_version'><value>10.5.1</value></field>"
    "<field var='software'><value>Psi</value></field>"
    "</x>";

constexpr std::string_view kPsi =
    "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
    "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
    "<feature var='http://jabber.org/protocol/muc'/>"
    "<feature var='http://jabber.org/protocol/caps'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>";

TEST(CapsHash, IsThatOfTheSimpleExample) {  // XEP-0115 §5.2
  EXPECT_EQ(caps_hash(info("<identity category='client' type='pc' name='Exodus 0.9.1'/>"
                           "<feature var='http://jabber.org/protocol/muc'/>"
                           "<feature var='http://jabber.org/protocol/disco#items'/>"
                           "<feature var='http://jabber.org/protocol/disco#info'/>"
                           "<feature var='http://jabber.org/protocol/caps'/>")),
            "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

TEST(CapsHash, IsThatOfTheComplexExample) {  // XEP-0115 §5.3
  EXPECT_EQ(caps_hash(info(std::string{kPsi}.append(kSoftwareForm))), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

TEST(CapsHash, DoesNotDependOnTheOrder) {
  EXPECT_EQ(caps_hash(info(std::string{kSoftwareForm}.append(kPsi))), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

// SHA-1 of "client/pc//x<urn:xmpp:sm<urn:xmpp:sm#a<": '#' sorts before the '<' that ends a name, but after nothing.
TEST(CapsHash, SortsANameBeforeThoseThatItBegins) {
  EXPECT_EQ(caps_hash(info("<identity category='client' type='pc' name='x'/>"
                           "<feature var='urn:xmpp:sm#a'/><feature var='urn:xmpp:sm'/>")),
            "6puRLMRBhk2O2lUzTFAUC9SnR1M=");
}

// SHA-1 of "client/pc//x<a<urn:a<f<1<f#<2<urn:b<g<<".
TEST(CapsHash, SortsFormsByTheirTypeAndFieldsByTheirName) {
  EXPECT_EQ(caps_hash(info("<identity category='client' type='pc' name='x'/><feature var='a'/>"
                           "<x xmlns='jabber:x:data'><field var='g'><value/></field>"
                           "<field var='FORM_TYPE' type='hidden'><value>urn:b</value></field></x>"
                           "<x xmlns='jabber:x:data'><field var='f#'><value>2</value></field>"
                           "<field var='FORM_TYPE' type='hidden'><value>urn:a</value></field>"
                           "<field var='f'><value>1</value></field></x>")),
            "6zpElX/fh7eY6zUbsD9xnueQ+AY=");
}

// SHA-1 of "client/pc//x<a<": §5.4, "ignore the form but continue processing".
TEST(CapsHash, IgnoresAFormWithoutAHiddenType) {
  for (const std::string_view form : {"<x xmlns='jabber:x:data'><field var='f'><value>1</value></field></x>",
                                      "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>urn:a</value></field>"
                                      "<field var='f'><value>1</value></field></x>"}) {
    EXPECT_EQ(caps_hash(info("<identity category='client' type='pc' name='x'/><feature var='a'/>" + std::string{form})),
              "cpcpSSLn5pYmugp/9hZWg+P1NVQ=")
        << form;
  }
}

}  // namespace
}  // namespace anser::xmpp
