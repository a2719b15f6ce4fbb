#include "upload/file_fields.h"

#include <gtest/gtest.h>

namespace anser::upload {
namespace {

std::string name(std::string disposition) {
  net::HttpRequest request;
  request.target = "/uploads?name=query.txt";
  request.fields.emplace_back("content-disposition", std::move(disposition));
  return file_name_in(request, "GB18030");
}

TEST(FileFields, ANameComesFromContentDisposition) {
  EXPECT_EQ(name("attachment; filename=\"a b.txt\""), "a b.txt");
  EXPECT_EQ(name("attachment; filename*=UTF-8''%E5%9B%BE.png"), "图.png");
  EXPECT_EQ(name("inline; filename=\"\xcd\xbc.png\""), "图.png");  // GBK
}

TEST(FileFields, TheExtendedNameCountsFirst) {
  EXPECT_EQ(name("attachment; filename=\"x.png\"; filename*=UTF-8''%E5%9B%BE.png"), "图.png");
  EXPECT_EQ(name("attachment; filename*=UTF-8''%E5%9B%BE.png; filename=x.png"), "图.png");
  EXPECT_EQ(name("attachment; filename*=UTF-8''%E5%9; filename=x.png"), "x.png");
  EXPECT_EQ(name("attachment; filename*=nonsense; filename=x.png"), "x.png");
}

TEST(FileFields, ElseFromTheQuery) {
  for (const auto* text : {"", "attachment", "attachment;", "attachment; filename=\"\"",
                           "attachment; filename=a; filename=b", "attachment; filename=\"open"})
    EXPECT_EQ(name(text), "query.txt") << text;
}

TEST(FileFields, ANameIsSafe) {
  EXPECT_EQ(name("attachment; filename=\"../../etc/passwd\""), "passwd");
  EXPECT_EQ(name("attachment; filename*=UTF-8''..%2F..%2Fa%00b%0D%0A.txt"), "ab.txt");
  net::HttpRequest request;
  request.target =
      "/uploads?name="
      "C%3A%5Ctmp%5CCON.txt";
  EXPECT_EQ(file_name_in(request, ""), "_CON.txt");
  EXPECT_EQ(file_name_in({}, ""), "file");
}

}  // namespace
}  // namespace anser::upload
