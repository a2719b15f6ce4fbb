#include "codec/file_name.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"

namespace anser::codec {
namespace {

TEST(FileName, IsTheLastPartOfAPathOfWhateverSystem) {
  EXPECT_EQ(safe_file_name("a.txt"), "a.txt");
  EXPECT_EQ(safe_file_name("C:\\Documents\\你好 1.txt"), "你好 1.txt");
  EXPECT_EQ(safe_file_name("/etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("../../a\\..\\b.txt"), "b.txt");
  EXPECT_EQ(safe_file_name("\\\\server\\share\\a.txt"), "a.txt");
  EXPECT_EQ(safe_file_name("C:a.txt"), "a.txt");
}

TEST(FileName, IsFileIfNothingIsLeft) {
  for (const char* name :
       {"", ".", "..", "...", "a/", "C:\\", " . ", "\x01\x7F", "\xE2\x80\xAE", ":stream", "\xFF", "C:"}) {
    EXPECT_EQ(safe_file_name(name), "file") << name;
  }
}

TEST(FileName, HasNoAlternateStream) {
  EXPECT_EQ(safe_file_name("a.txt:b"), "a.txt");
  EXPECT_EQ(safe_file_name("a.txt::$DATA"), "a.txt");
}

TEST(FileName, HasNoControlAndNothingThatTurnsText) {
  EXPECT_EQ(safe_file_name(std::string{"a\0b\r\nc\x7F.txt", 11}), "abc.txt");
  EXPECT_EQ(safe_file_name("a\u202Etxt.exe"), "atxt.exe");
  EXPECT_EQ(safe_file_name("a\u2028\u2066\u200B\uFEFF\u0085"
                           "b"),
            "ab");
}

TEST(FileName, HasNoDotsAndBlanksAtItsEnd) {
  EXPECT_EQ(safe_file_name(" a.exe . ."), "a.exe");
  EXPECT_EQ(safe_file_name(".htaccess"), ".htaccess");
  EXPECT_EQ(safe_file_name("a.exe.\u202E"), "a.exe");
}

TEST(FileName, IsNoDevice) {
  for (const char* name : {"CON", "nul", "Aux.txt", "com1", "LPT9.tar.gz", "con .txt", "COM¹", "CONIN$"}) {
    EXPECT_EQ(safe_file_name(name), "_" + std::string{name});
  }
  for (const char* name : {"CONSOLE", "com10", "COM", "nulls.txt", "COM¼"}) EXPECT_EQ(safe_file_name(name), name);
}

TEST(FileName, IsCutAtACharacterAndKeepsItsExtension) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "你";
  const std::string cut = safe_file_name(name + ".tar.gz");
  EXPECT_EQ(cut.size(), 255U);
  EXPECT_TRUE(cut.ends_with("你.gz") || cut.ends_with("你.tar.gz")) << cut;
  EXPECT_TRUE(is_utf8(cut));
  EXPECT_EQ(safe_file_name(std::string(300, 'a')), std::string(255, 'a'));
  EXPECT_EQ(safe_file_name("a." + std::string(300, 'b')), "a." + std::string(253, 'b'));
  EXPECT_EQ(safe_file_name(std::string(250, 'a') + "   " + std::string(60, 'b') + ".txt"),
            std::string(250, 'a') + ".txt");
}

TEST(ContentDisposition, IsPlainForPlainNames) {
  EXPECT_EQ(content_disposition("attachment", "a b.txt"), "attachment; filename=\"a b.txt\"");
}

TEST(ContentDisposition, HasAFallbackAndTheName) {
  EXPECT_EQ(content_disposition("attachment", "€ rates.txt"),
            "attachment; filename=\"_ rates.txt\"; filename*=UTF-8''%E2%82%AC%20rates.txt");
  EXPECT_EQ(content_disposition("inline", "a\"b\\c%41\r\n.txt"),
            "inline; filename=\"a_b_c_41__.txt\"; filename*=UTF-8''a%22b%5Cc%2541%0D%0A.txt");
}

}  // namespace
}  // namespace anser::codec
