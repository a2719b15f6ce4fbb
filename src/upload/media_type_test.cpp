#include "upload/media_type.h"

#include <gtest/gtest.h>

#include <string>

namespace anser::upload {
namespace {

using namespace std::string_literals;

constexpr std::string_view kBytes = "application/octet-stream";

struct Sample {
  std::string_view declared, served;
  std::string front;
};

// The first bytes of files that real programs have written.
const std::vector<Sample>& samples() {
  static const std::vector<Sample> all{
      {"image/png", "image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"s},
      {"image/jpeg", "image/jpeg", "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0"s},
      {"image/jpg", "image/jpeg", "\xff\xd8\xff\xdb\0\x43\0"s},
      {"image/gif", "image/gif", "GIF89a\1\0\1\0\x80\0\0"s},
      {"image/webp", "image/webp", "RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0"s},
      {"image/avif", "image/avif",
       "\0\0\0\x20"
       "ftypavif\0\0\0\0avifmif1miafMA1B"s},
      {"image/avif", "image/avif",
       "\0\0\0\x1c"
       "ftypmif1\0\0\0\0mif1avifmiaf"s},
      {"video/mp4", "video/mp4",
       "\0\0\0\x20"
       "ftypisom\0\0\2\0isomiso2avc1mp41"s},
      {"audio/mp4", "audio/mp4",
       "\0\0\0\x1c"
       "ftypM4A \0\0\2\0M4A isomiso2"s},
      {"video/webm", "video/webm",
       "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\xf7\x81\1\x42\xf2\x81\4\x42\xf3\x81\x08\x42\x82\x84webm"s},
      {"audio/ogg; codecs=opus", "audio/ogg",
       "OggS\0\2\0\0\0\0\0\0\0\0\x11\x22\x33\x44\0\0\0\0\x55\x66\x77\x88\1\x13OpusHead"s},
      {"audio/mpeg", "audio/mpeg", "ID3\4\0\0\0\0\0\x23TSSE"s},
      {"audio/mp3", "audio/mpeg", "\xff\xfb\x90\x64\0\x0f"s},
      {"audio/flac", "audio/flac", "fLaC\0\0\0\x22\x10\0\x10\0"s},
      {"audio/x-wav", "audio/wav", "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"s},
      {"TEXT/Plain; charset=GBK", "text/plain; charset=utf-8",
       "Wherefore art thou \xe7\xbd\x97\xe5\xaf\x86\xe6\xac\xa7?\r\n\tRomeo\n"s},
  };
  return all;
}

TEST(MediaType, WhatTheBytesAgreeWithIsShownInPlace) {
  for (const auto& sample : samples()) {
    const auto served = served_type(sample.declared, sample.front, true);
    EXPECT_EQ(served.type, sample.served) << sample.declared;
    EXPECT_TRUE(served.in_place) << sample.declared;
    EXPECT_TRUE(is_listed_type(sample.declared));
  }
}

TEST(MediaType, ALieIsBytes) {
  for (const auto& said : samples()) {
    for (const auto& meant : samples()) {
      if (said.served == meant.served || said.served.substr(0, 5) == "text/") continue;
      const bool one_box = said.served.ends_with("/mp4") && meant.served.ends_with("/mp4");
      if (one_box) continue;
      const auto served = served_type(said.declared, meant.front, true);
      EXPECT_EQ(served.type, kBytes) << said.declared << " over " << meant.declared;
      EXPECT_FALSE(served.in_place);
    }
  }
}

TEST(MediaType, WhatIsCutShortIsNeverMoreThanItWas) {
  for (const auto& sample : samples()) {
    for (std::size_t size = 0; size <= sample.front.size(); ++size) {
      const auto served = served_type(sample.declared, std::string_view{sample.front}.substr(0, size), false);
      EXPECT_TRUE(served.type == sample.served || served.type == kBytes) << sample.declared << " " << size;
    }
    if (!sample.served.starts_with("text/")) {
      EXPECT_EQ(served_type(sample.declared, sample.front.substr(0, 3), true).type, kBytes) << sample.declared;
    }
  }
}

TEST(MediaType, WhatCouldRunIsBytesWhateverItSays) {
  const std::string page = "<!DOCTYPE html><script>alert(1)</script>";
  const std::string drawing = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
  for (const auto* type : {"text/html",
                           "image/svg+xml",
                           "application/pdf",
                           "text/xml",
                           "application/xml",
                           "application/xhtml+xml",
                           "text/javascript",
                           "application/javascript",
                           "text/css",
                           "application/json",
                           "text/vtt",
                           "image/svg+xml; charset=utf-8",
                           "multipart/related",
                           "application/x-shockwave-flash",
                           "message/rfc822",
                           "text/html\t",
                           "",
                           "x",
                           "text/plain2",
                           "application/octet-stream",
                           "image/bmp",
                           "image/x-icon",
                           "text/cache-manifest"}) {
    EXPECT_FALSE(is_listed_type(type)) << type;
    for (const auto& bytes : {page, drawing, "%PDF-1.7\n"s, "alert(1)"s, samples()[0].front})
      EXPECT_EQ(served_type(type, bytes, true).type, kBytes) << type;
  }
  for (const auto* type : {"image/png", "image/gif", "image/jpeg", "video/mp4", "audio/mpeg"}) {
    EXPECT_EQ(served_type(type, page, true).type, kBytes) << type;
    EXPECT_EQ(served_type(type, drawing, true).type, kBytes) << type;
  }
}

TEST(MediaType, APictureThatIsAScriptTooStaysAPicture) {
  EXPECT_EQ(served_type("image/gif", "GIF89a/*\1\0*/=1;alert(1)//", true).type, "image/gif");
  EXPECT_EQ(served_type("text/javascript", "GIF89a/*\1\0*/=1;alert(1)//", true).type, kBytes);
  EXPECT_EQ(served_type("text/html", "GIF89a<script>alert(1)</script>", true).type, kBytes);
}

TEST(MediaType, TextIsTextAndNeverAPage) {
  EXPECT_EQ(served_type("text/plain", "<script>alert(1)</script>", true).type, "text/plain; charset=utf-8");
  EXPECT_EQ(served_type("text/plain", "", true).type, "text/plain; charset=utf-8");
}

TEST(MediaType, WhatIsNoUtf8OrHasControlCharactersIsNoText) {
  EXPECT_EQ(served_type("text/plain", "\xd5\xc5\xc8\xfd", true).type, kBytes);  // GBK
  EXPECT_EQ(served_type("text/plain", "a\0b"s, true).type, kBytes);
  EXPECT_EQ(served_type("text/plain",
                        "\xff\xfe"
                        "a\0"s,
                        true)
                .type,
            kBytes);  // UTF-16
  EXPECT_EQ(served_type("text/plain", "MZ\x90\3"s, true).type, kBytes);
  EXPECT_EQ(served_type("text/plain", "+ADw-script+AD4-", true).type, "text/plain; charset=utf-8");  // UTF-7 is ASCII
}

TEST(MediaType, ACharacterMayBeCutWhereTheLookEnds) {
  const std::string cut = "a\xe5\x9b";
  EXPECT_EQ(served_type("text/plain", cut, false).type, "text/plain; charset=utf-8");
  EXPECT_EQ(served_type("text/plain", cut, true).type, kBytes);
}

TEST(MediaType, ADeclaredTypeIsKeptIfItIsOne) {
  EXPECT_EQ(declared_type(" image/png "), "image/png");
  EXPECT_EQ(declared_type("Text/Plain; charset=\"gbk\""), "Text/Plain; charset=\"gbk\"");
  for (const auto* text : {"", "png", "/", "image/", "/png", "image/p ng", "image/png\r\nSet-Cookie: a", "\x01/\x01",
                           "image/\xe5\x9b\xbe", "<b>/<b>"})
    EXPECT_EQ(declared_type(text), "") << text;
  EXPECT_EQ(declared_type("a/" + std::string(300, 'x')), "");
}

}  // namespace
}  // namespace anser::upload
