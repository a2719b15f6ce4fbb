// Properties as Smack 3.2 writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>

#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::expect_round_trip;
using test::read;
using testing::HasSubstr;

constexpr std::string_view kNs = "http://www.jivesoftware.com/xmlns/xmpp/properties";

std::string property_xml(std::string_view type, std::string_view value) {
  return "<property><name>it</name><value type=\"" + std::string(type) + "\">" + std::string(value) +
         "</value></property>";
}

Message with(std::string_view properties) {
  return read<Message>("<message><properties xmlns=\"" + std::string(kNs) + "\">" + std::string(properties) +
                       "</properties></message>");
}

std::optional<Property> read_as(std::string_view type, std::string_view value) {
  return with(property_xml(type, value)).property("it");
}

template <class T>
T value_of(const std::optional<Property>& property) {
  if (!property || !std::holds_alternative<T>(*property)) {
    ADD_FAILURE() << "no such value";
    return T{};
  }
  return std::get<T>(*property);
}

TEST(Properties, OfSmackAreRead) {
  // What Smack 3.2.1's Message.toXML() writes for each type; the object is `new java.util.Date(0)`.
  const auto message = read<Message>(
      "<message id=\"O4p0f-4\" to=\"juliet@example.com\" from=\"romeo@example.com/Smack\" type=\"chat\"><body>hi</body>"
      "<properties xmlns=\"http://www.jivesoftware.com/xmlns/xmpp/properties\">"
      "<property><name>i</name><value type=\"integer\">-2147483648</value></property>"
      "<property><name>l</name><value type=\"long\">9223372036854775807</value></property>"
      "<property><name>f</name><value type=\"float\">3.4028235E38</value></property>"
      "<property><name>d</name><value type=\"double\">4.9E-324</value></property>"
      "<property><name>b</name><value type=\"boolean\">true</value></property>"
      "<property><name>s</name><value type=\"string\">a &lt;b&gt; &amp; c</value></property>"
      "<property><name>o</name><value type=\"java-object\">"
      "rO0ABXNyAA5qYXZhLnV0aWwuRGF0ZWhqgQFLWXQZAwAAeHB3CAAAAAAAAAAAeA==</value></property>"
      "</properties></message>");

  const auto all = message.properties();
  EXPECT_EQ(all.size(), 7u);
  EXPECT_EQ(value_of<std::int32_t>(message.property("i")), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(value_of<std::int64_t>(message.property("l")), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(value_of<float>(message.property("f")), std::numeric_limits<float>::max());
  EXPECT_EQ(value_of<double>(message.property("d")), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(value_of<bool>(message.property("b")), true);
  EXPECT_EQ(value_of<std::string>(message.property("s")), "a <b> & c");
  const std::string object = value_of<JavaObject>(message.property("o")).serialized;
  EXPECT_EQ(object.substr(0, 4), std::string("\xAC\xED\x00\x05", 4));
  EXPECT_THAT(object, HasSubstr("java.util.Date"));
  EXPECT_FALSE(message.property("x"));
  expect_round_trip(message);
}

TEST(Properties, OfEveryTypeComeBack) {
  const Property values[] = {std::int32_t{0},
                             std::numeric_limits<std::int32_t>::min(),
                             std::numeric_limits<std::int64_t>::min(),
                             std::int64_t{1} << 40,
                             0.1f,
                             -0.0f,
                             std::numeric_limits<float>::max(),
                             std::numeric_limits<float>::denorm_min(),
                             std::numeric_limits<float>::infinity(),
                             0.1,
                             1e300,
                             -1e-300,
                             123456789.0,
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::denorm_min(),
                             -std::numeric_limits<double>::infinity(),
                             true,
                             false,
                             std::string(),
                             std::string(" two\nlines\r\n\t "),
                             std::string("<&>'\"]]>"),
                             JavaObject{},
                             JavaObject{std::string("\xAC\xED\x00\x05\xFF", 5)}};
  Message message{"a@b", Message::Type::chat};
  int number = 0;
  for (const Property& value : values) message.set_property(std::to_string(number++), value);

  const auto back = read<Message>(message.to_xml());

  number = 0;
  for (const Property& value : values) EXPECT_EQ(back.property(std::to_string(number++)), value) << number - 1;
  EXPECT_EQ(back.raw_extensions().size(), 1u);
  expect_round_trip(message);
}

TEST(Properties, NotANumberComesBack) {
  IQ iq{IQ::Type::result};
  iq.set_property("f", std::nanf(""));
  iq.set_property("d", -std::nan(""));

  const auto back = read<IQ>(iq.to_xml());

  EXPECT_THAT(iq.to_xml(), HasSubstr(">NaN<"));
  EXPECT_TRUE(std::isnan(value_of<float>(back.property("f"))));
  EXPECT_TRUE(std::isnan(value_of<double>(back.property("d"))));
}

TEST(Properties, NumbersAreReadAsJavaReadsThem) {
  EXPECT_EQ(value_of<std::int32_t>(read_as("integer", "+7")), 7);
  EXPECT_EQ(value_of<std::int32_t>(read_as("integer", "-0")), 0);
  EXPECT_EQ(value_of<std::int64_t>(read_as("long", "007")), 7);
  EXPECT_EQ(value_of<float>(read_as("float", "1.5f")), 1.5f);
  EXPECT_EQ(value_of<float>(read_as("float", " 1 ")), 1.0f);
  EXPECT_EQ(value_of<double>(read_as("double", "1.0E10")), 1e10);
  EXPECT_EQ(value_of<double>(read_as("double", "+.5d")), 0.5);
  EXPECT_EQ(value_of<double>(read_as("double", "5.")), 5.0);
  EXPECT_EQ(value_of<double>(read_as("double", "-1e-3D")), -0.001);
  EXPECT_EQ(value_of<double>(read_as("double", "-Infinity")), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(value_of<double>(read_as("double", "+Infinity")), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(value_of<double>(read_as("double", "-NaN"))));
  EXPECT_EQ(value_of<bool>(read_as("boolean", "TRUE")), true);
  EXPECT_EQ(value_of<bool>(read_as("boolean", "False")), false);
}

TEST(Properties, WhatIsTooLargeIsInfiniteAndWhatIsTooSmallIsZero) {
  const std::string zeros(500, '0');
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(value_of<double>(read_as("double", "1e400")), kInfinity);
  EXPECT_EQ(value_of<double>(read_as("double", "-1e99999999999999999999")), -kInfinity);
  EXPECT_EQ(value_of<double>(read_as("double", "1" + zeros)), kInfinity);
  EXPECT_EQ(value_of<double>(read_as("double", "1" + zeros + ".5e+1")), kInfinity);
  EXPECT_EQ(value_of<double>(read_as("double", "1e-400")), 0.0);
  EXPECT_EQ(value_of<double>(read_as("double", "1e-99999999999999999999")), 0.0);
  EXPECT_EQ(value_of<double>(read_as("double", "0." + zeros + "1e100")), 0.0);
  EXPECT_TRUE(std::signbit(value_of<double>(read_as("double", "-0." + zeros + "1"))));
  EXPECT_EQ(value_of<double>(read_as("double", "0e99999999999999999999")), 0.0);
  EXPECT_EQ(value_of<double>(read_as("double", "0." + zeros + "1e501")), 1.0);
  EXPECT_EQ(value_of<float>(read_as("float", "1e40")), std::numeric_limits<float>::infinity());
  EXPECT_EQ(value_of<float>(read_as("float", "1e-60")), 0.0f);
}

TEST(Properties, WhatIsNoValueIsSkipped) {
  const std::pair<std::string_view, std::string_view> bad[] = {{"integer", ""},
                                                               {"integer", "2147483648"},
                                                               {"integer", "1.0"},
                                                               {"integer", " 1"},
                                                               {"integer", "+-1"},
                                                               {"integer", "1x"},
                                                               {"long", "9223372036854775808"},
                                                               {"long", "1L"},
                                                               {"float", ""},
                                                               {"float", "f"},
                                                               {"float", "one"},
                                                               {"float", "1,5"},
                                                               {"float", "inf"},
                                                               {"float", "nan"},
                                                               {"float", "--1"},
                                                               {"float", "+-1"},
                                                               {"double", "infinity"},
                                                               {"double", "INF"},
                                                               {"double", "."},
                                                               {"double", "1e"},
                                                               {"double", "1 2"},
                                                               {"double", "1ff"},
                                                               {"double", "0x10"},
                                                               {"double", "NaNd"},
                                                               {"boolean", ""},
                                                               {"boolean", "yes"},
                                                               {"boolean", "1"},
                                                               {"java-object", "rO0AB*"},
                                                               {"java-object", "rO0"},
                                                               {"decimal", "1"},
                                                               {"", "1"},
                                                               {"String", "x"},
                                                               {"integer ", "1"}};
  for (const auto& [type, text] : bad) EXPECT_FALSE(read_as(type, text)) << type << " " << text;

  const auto message = with(
      "<property/><property><name>a</name></property><property><value type='string'>b</value></property>"
      "<other/><property xmlns='urn:x'><name>c</name><value type='string'>c</value></property>text"
      "<property><name>n</name><value>untyped</value></property>" +
      property_xml("string", "good"));
  EXPECT_EQ(message.properties().size(), 1u);
  EXPECT_EQ(value_of<std::string>(message.property("it")), "good");
}

TEST(Properties, AnObjectMayComeInLines) {
  EXPECT_EQ(value_of<JavaObject>(read_as("java-object", "\n AAEC\r\n\tAwQ= \n")).serialized,
            std::string("\0\1\2\3\4", 5));
  EXPECT_EQ(value_of<JavaObject>(read_as("java-object", "")).serialized, "");
}

TEST(Properties, TheLastOfANameCounts) {
  const auto message =
      with(property_xml("string", "one") + property_xml("string", "two") + property_xml("integer", "bad"));
  EXPECT_EQ(value_of<std::string>(message.property("it")), "two");
}

TEST(Properties, AreSetInOneExtensionAtItsPlace) {
  auto message = read<Message>(
      "<message><a xmlns='urn:a'/>"
      "<properties xmlns='http://www.jivesoftware.com/xmlns/xmpp/properties'><property><name>x</name>"
      "<value type='integer'>1</value></property><property><name>u</name><value "
      "type='list'>?</value></property></properties>"
      "<b xmlns='urn:b'/><properties xmlns='http://www.jivesoftware.com/xmlns/xmpp/properties'><property><name>y</name>"
      "<value type='integer'>2</value></property></properties></message>");
  ASSERT_EQ(message.properties().size(), 2u);

  message.set_property("x", std::string("new"));

  EXPECT_EQ(value_of<std::string>(message.property("x")), "new");
  EXPECT_EQ(value_of<std::int32_t>(message.property("y")), 2);
  ASSERT_EQ(message.raw_extensions().size(), 3u);
  EXPECT_EQ(message.raw_extensions()[1].name, "properties");
  EXPECT_THAT(message.raw_extensions()[1].xml, HasSubstr("type='list'"));  // not understood, not lost
  expect_round_trip(message);

  message.remove_property("x");
  message.remove_property("y");
  message.remove_property("z");
  EXPECT_TRUE(message.properties().empty());
  message.remove_property("u");
  EXPECT_EQ(message.raw_extensions().size(), 2u);
}

TEST(Properties, AreSetBesideAStrangersJunk) {
  auto message = with("<xml:a/>" + property_xml("string", "kept"));

  message.set_property("new", true);

  EXPECT_EQ(value_of<std::string>(message.property("it")), "kept");
  EXPECT_EQ(value_of<bool>(message.property("new")), true);
  expect_round_trip(message);
}

TEST(Properties, AreOnPresenceToo) {
  Presence presence;
  presence.remove_property("nothing");
  presence.set_property("n", 1.5);
  EXPECT_EQ(value_of<double>(presence.property("n")), 1.5);
  expect_round_trip(presence);
}

TEST(Properties, DoNotFollowTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const bool other = std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr;  // where a decimal point is a comma
  Message message;
  message.set_property("d", 1234567.5);
  const auto text = message.to_xml();
  const auto value = message.property("d");
  std::setlocale(LC_ALL, before.c_str());

  EXPECT_THAT(text, HasSubstr(">1234567.5<")) << other;
  EXPECT_EQ(value_of<double>(value), 1234567.5);
}

}  // namespace
}  // namespace anser::sdk
