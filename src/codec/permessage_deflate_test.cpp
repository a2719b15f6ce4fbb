#include "codec/permessage_deflate.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace anser::codec {
namespace {

// A side that takes what it gets.
const DeflateSettings kRelaxed{.server_no_context_takeover = false, .client_no_context_takeover = false};

std::string answer(std::string_view offers, const DeflateSettings& settings = kRelaxed) {
  const auto result = answer_deflate_offers(offers, settings);
  if (!result) return result.error().message;
  return *result ? (*result)->header : "declined";
}

TEST(DeflateOffer, TheSimplestIsAnsweredByTheSimplest) {
  const auto result = answer_deflate_offers("permessage-deflate", kRelaxed);

  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->header, "permessage-deflate");
  EXPECT_EQ((*result)->agreement, DeflateAgreement{});
}

TEST(DeflateOffer, TheExamplesOfTheRfc) {
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; server_max_window_bits=10"),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; server_max_window_bits=10,"
                   " permessage-deflate; client_max_window_bits"),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-foo"), "declined");
  EXPECT_EQ(answer("permessage-foo; x=10"), "declined");
  EXPECT_EQ(answer("permessage-foo; x=\"10\""), "declined");
  EXPECT_EQ(answer("permessage-foo; use_y, permessage-foo"), "declined");
  EXPECT_EQ(answer("deflate-stream"), "declined");
  EXPECT_EQ(answer("mux; max-channels=4; flow-control,deflate-stream"), "declined");
}

TEST(DeflateOffer, WhatABrowserOffersIsTaken) {
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", {}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", {.client_max_window_bits = 9}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9");
}

TEST(DeflateOffer, AsksAreMet) {
  const auto result = answer_deflate_offers(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; "
      "client_max_window_bits=11",
      kRelaxed);

  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->header,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; "
            "client_max_window_bits=11");
  EXPECT_EQ((*result)->agreement, (DeflateAgreement{true, true, 8, 11}));
}

TEST(DeflateOffer, TheSmallerWindowIsAgreed) {
  const DeflateSettings settings{false, false, 12, 12};
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15; client_max_window_bits=15", settings),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", settings),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9");
  // What was not offered may be said of our own window, never of the client's.
  EXPECT_EQ(answer("permessage-deflate", settings), "permessage-deflate; server_max_window_bits=12");
}

TEST(DeflateOffer, OneWithAWrongParameterIsDeclinedAndTheNextIsLookedAt) {
  for (const std::string wrong :
       {"; x", "; server_no_context_takeover=1", "; client_no_context_takeover=true",
        "; server_no_context_takeover; server_no_context_takeover", "; server_max_window_bits",
        "; server_max_window_bits=7", "; server_max_window_bits=16", "; server_max_window_bits=08",
        "; server_max_window_bits=010", "; server_max_window_bits=+9", "; server_max_window_bits=10x",
        "; server_max_window_bits=100", "; server_max_window_bits=10; server_max_window_bits=10",
        "; client_max_window_bits=7", "; client_max_window_bits=x", "; client_max_window_bits; client_max_window_bits",
        "; client_max_window_bits=9; client_max_window_bits", "; Server_no_context_takeover"}) {
    EXPECT_EQ(answer("permessage-deflate" + wrong), "declined") << wrong;
    EXPECT_EQ(answer("permessage-deflate" + wrong + ", other; a=b, permessage-deflate; server_max_window_bits=9"),
              "permessage-deflate; server_max_window_bits=9")
        << wrong;
  }
}

TEST(DeflateOffer, TheFirstThatCanBeTakenIsTaken) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=10"),
            "permessage-deflate; server_max_window_bits=9");
}

TEST(DeflateOffer, ValuesMayBeQuotedAndSpaceIsFree) {
  EXPECT_EQ(answer(" ,\t, permessage-deflate ;server_max_window_bits = \"1\\0\"\t; server_no_context_takeover ,, "),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10");
}

TEST(DeflateOffer, NoneIsNone) {
  EXPECT_EQ(answer(""), "declined");
  EXPECT_EQ(answer(" , ,"), "declined");
}

TEST(DeflateOffer, WhatBreaksTheGrammarFailsTheHandshake) {
  for (const std::string_view malformed :
       {";", "=", "permessage-deflate;", "permessage-deflate; ", "permessage-deflate; =1", "permessage-deflate; a=",
        "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b", "permessage-deflate; a=\"b\\",
        "permessage-deflate; a=\"b c\"", "permessage-deflate; a=\"b\"c", "permessage-deflate other",
        "permessage-deflate; a b", "permessage-deflate; a=b c", "permessage-deflate, \"quoted\"", "a/b",
        "d\xc3\xa9"
        "flate",
        "permessage-deflate; a=b=c"}) {
    EXPECT_EQ(answer(malformed), "Sec-WebSocket-Extensions is malformed") << malformed;
    EXPECT_EQ(answer(std::string{"permessage-deflate, "} + std::string{malformed}),
              "Sec-WebSocket-Extensions is malformed")
        << malformed;
  }
}

TEST(DeflateAnswer, OffersWhatTheSettingsSay) {
  EXPECT_EQ(deflate_offer(kRelaxed), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(deflate_offer({true, true, 10, 11}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
            "client_max_window_bits=11");
}

TEST(DeflateAnswer, NoneMeansNoCompression) {
  for (const std::string_view none : {"", " ", ","}) {
    const auto accepted = accept_deflate_answer(none, kRelaxed);
    ASSERT_TRUE(accepted);
    EXPECT_FALSE(*accepted);
  }
}

TEST(DeflateAnswer, IsTaken) {
  EXPECT_EQ(accept_deflate_answer("permessage-deflate", kRelaxed), DeflateAgreement{});
  EXPECT_EQ(accept_deflate_answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                                  "server_max_window_bits=8; client_max_window_bits=\"9\"",
                                  kRelaxed),
            (DeflateAgreement{true, true, 8, 9}));
}

TEST(DeflateAnswer, WhatTheOfferSaidOfOurselvesHoldsWhetherTheServerSaysSoOrNot) {
  const DeflateSettings modest{.server_no_context_takeover = false, .client_max_window_bits = 10};

  EXPECT_EQ(accept_deflate_answer("permessage-deflate", modest), (DeflateAgreement{false, true, 15, 10}));
  EXPECT_EQ(accept_deflate_answer("permessage-deflate; client_max_window_bits=12", modest),
            (DeflateAgreement{false, true, 15, 10}));
  EXPECT_EQ(accept_deflate_answer("permessage-deflate; client_max_window_bits=9", modest),
            (DeflateAgreement{false, true, 15, 9}));
}

TEST(DeflateAnswer, ToWhatWasNotOfferedFailsTheConnection) {
  const DeflateSettings strict{true, false, 10, 15};
  const std::string right = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
  ASSERT_TRUE(accept_deflate_answer(right, strict));

  for (const std::string& wrong :
       {std::string{"permessage-foo"}, right + ", " + right, right + ", permessage-foo", right + "; x", right + "; x=1",
        right + "; server_max_window_bits=10", right + "; client_max_window_bits",
        right + "; client_max_window_bits=16", right + "; client_no_context_takeover=1", right + ";",
        right + "; client_max_window_bits=08", std::string{"permessage-deflate"},
        std::string{"permessage-deflate; server_max_window_bits=10"},
        std::string{"permessage-deflate; server_no_context_takeover"},
        std::string{"permessage-deflate; server_no_context_takeover; server_max_window_bits=11"}}) {
    const auto accepted = accept_deflate_answer(wrong, strict);
    ASSERT_FALSE(accepted) << wrong;
    EXPECT_EQ(accepted.error().code, Errc::bad_request);
  }
}

TEST(DeflateAnswer, BothSidesUnderstandEachOther) {
  for (int windows = 0; windows < 8 * 8; ++windows) {
    for (int flags = 0; flags < 16; ++flags) {
      const DeflateSettings client{(flags & 1) != 0, (flags & 2) != 0, 8 + windows % 8, 8 + windows / 8};
      const DeflateSettings server{(flags & 4) != 0, (flags & 8) != 0, 12, 12};

      const auto answered = answer_deflate_offers(deflate_offer(client), server);
      ASSERT_TRUE(answered && *answered);
      const auto accepted = accept_deflate_answer((*answered)->header, client);

      ASSERT_TRUE(accepted && *accepted) << (*answered)->header;
      EXPECT_EQ(**accepted, (*answered)->agreement);
    }
  }
}

}  // namespace
}  // namespace anser::codec
