#include <gtest/gtest.h>

#include "domain/mail.h"

namespace anser::domain {
namespace {

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

std::vector<Mail> one_of_each() {
  Envelope envelope;
  envelope.kind = Kind::message;
  envelope.type = Type::chat;
  envelope.from = jid("romeo@montague.example/orchard");
  envelope.to = jid("juliet@192.0.2.1");
  envelope.inner = Bytes::copy("<body>hark</body>");
  Envelope noted = envelope;
  noted.taken = {1u << 30, 77, {5, 1u << 20}};
  return {Route{noted, jid("juliet@capulet.example")},
          Broadcast{envelope, {jid("a@example.com"), jid("b@example.com")}, {jid("b@example.com/phone")}},
          Probe{jid("romeo@montague.example/orchard"), {jid("juliet@capulet.example")}},
          Fence{3, 1u << 30, 77},
          FencePassed{5, 6},
          AccountChanged{jid("romeo@montague.example"), AccountChanged::What::password, 9},
          SentCopy{envelope, 300, Time{std::chrono::milliseconds{1'700'000'000'123}}},
          Refused{jid("romeo@montague.example"), 0xfedcba9876543210},
          Publish{noted, jid("verona@conference.capulet.example")},
          Published{envelope, jid("verona@conference.capulet.example"), 300,
                    Time{std::chrono::milliseconds{1'700'000'000'123}}},
          Interest{jid("verona@conference.capulet.example"), 3, true},
          InterestNoted{jid("verona@conference.capulet.example"), true}};
}

std::string encoded(const Mail& mail) {
  std::string bytes;
  encode(mail, bytes);
  return bytes;
}

TEST(MailCodec, GivesBackEveryLetterItTook) {
  for (const Mail& mail : one_of_each()) {
    const std::string bytes = encoded(mail) + "next";
    std::string_view in = bytes;

    const auto decoded = decode_mail(in);

    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->index(), mail.index());
    EXPECT_EQ(encoded(*decoded), encoded(mail));
    EXPECT_EQ(in, "next");  // the reader stops where the letter ends
  }
}

TEST(MailCodec, RefusesALetterThatIsCutAnywhere) {
  for (const Mail& mail : one_of_each()) {
    const std::string bytes = encoded(mail);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::string_view in{bytes.data(), size};
      EXPECT_FALSE(decode_mail(in)) << mail.index() << " cut at " << size;
    }
  }
}

TEST(MailCodec, RefusesLettersThatAreNotThere) {
  std::string_view in = "\x0c";
  EXPECT_FALSE(decode_mail(in));
}

}  // namespace
}  // namespace anser::domain
