// The requests of browsers and programs in their own words, each as it stands on the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/multipart.h"
#include "tests/support/multipart_events.h"

namespace anser::codec {
namespace {

using ::testing::ElementsAre;

const std::string kPng = std::string{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\r\n--\r\n----", 26};

std::vector<SeenPart> sent_with(std::string_view content_type, std::string_view body, std::string charset = "") {
  const auto boundary = MultipartReader::boundary_in(content_type);
  EXPECT_TRUE(boundary) << content_type;
  if (!boundary) return {};
  MultipartReader reader{*boundary};
  reader.set_charset(std::move(charset));
  const SeenBody whole = read_multipart_in_steps(reader, body, body.size());
  EXPECT_TRUE(whole.complete) << whole.reason;
  for (const std::size_t step : {1u, 2u, 3u, 7u, 65'536u}) {
    EXPECT_EQ(read_multipart_in_steps(reader, body, step), whole) << "in pieces of " << step;
  }
  return whole.parts;
}

SeenPart field(std::string name, std::string value) { return {std::move(name), std::nullopt, "", std::move(value)}; }

SeenPart file(std::string name, std::string file_name, std::string type, std::string data) {
  return {std::move(name), std::move(file_name), std::move(type), std::move(data)};
}

TEST(MultipartClients, Chrome) {
  const auto parts =
      sent_with("multipart/form-data; boundary=----WebKitFormBoundaryZx8rLq1Wv0TnKc3M",
                "------WebKitFormBoundaryZx8rLq1Wv0TnKc3M\r\n"
                "Content-Disposition: form-data; name=\"author\"\r\n\r\n陈\r\n"
                "------WebKitFormBoundaryZx8rLq1Wv0TnKc3M\r\n"
                "Content-Disposition: form-data; name=\"file1\"; filename=\"say %22hi%22 \\ 100%.png\"\r\n"
                "Content-Type: image/png\r\n\r\n" +
                    kPng +
                    "\r\n------WebKitFormBoundaryZx8rLq1Wv0TnKc3M\r\n"
                    "Content-Disposition: form-data; name=\"file2\"; filename=\"\"\r\n"
                    "Content-Type: application/octet-stream\r\n\r\n\r\n"
                    "------WebKitFormBoundaryZx8rLq1Wv0TnKc3M--\r\n");

  EXPECT_THAT(parts, ElementsAre(field("author", "陈"), file("file1", "say \"hi\" \\ 100%.png", "image/png", kPng),
                                 file("file2", "", "application/octet-stream", "")));
}

TEST(MultipartClients, FirefoxOfToday) {
  const auto parts = sent_with("multipart/form-data; boundary=----geckoformboundary7f3b9ac04de1586290b7d3c1e8fa4562",
                               "------geckoformboundary7f3b9ac04de1586290b7d3c1e8fa4562\r\n"
                               "Content-Disposition: form-data; name=\"a%0D%0Ab\"\r\n\r\nx\r\ny\r\n"
                               "------geckoformboundary7f3b9ac04de1586290b7d3c1e8fa4562\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"émoji 🪿.txt\"\r\n"
                               "Content-Type: text/plain\r\n\r\nhonk\n\r\n"
                               "------geckoformboundary7f3b9ac04de1586290b7d3c1e8fa4562--\r\n");

  EXPECT_THAT(parts, ElementsAre(field("a\r\nb", "x\r\ny"), file("f", "émoji 🪿.txt", "text/plain", "honk\n")));
}

TEST(MultipartClients, FirefoxOfLongAgo) {
  const auto parts =
      sent_with("multipart/form-data; boundary=---------------------------114772229410704779042051621609",
                "-----------------------------114772229410704779042051621609\r\n"
                "Content-Disposition: form-data; name=\"title\"\r\n\r\n&#9731;\r\n"
                "-----------------------------114772229410704779042051621609\r\n"
                "Content-Disposition: form-data; name=\"f\"; filename=\"&#9731; x.txt\"\r\n"
                "Content-Type: text/plain\r\n\r\n-----------------------------11477222941070\r\n"
                "-----------------------------114772229410704779042051621609--\r\n");

  EXPECT_THAT(parts, ElementsAre(field("title", "&#9731;"), file("f", "&#9731; x.txt", "text/plain",
                                                                 "-----------------------------11477222941070")));
}

TEST(MultipartClients, Safari) {
  const auto parts = sent_with("multipart/form-data; boundary=----WebKitFormBoundaryqRcGpWNbVXUm5AAe",
                               "------WebKitFormBoundaryqRcGpWNbVXUm5AAe\r\n"
                               "Content-Disposition: form-data; name=\"f\"; filename=\"IMG_0001.HEIC\"\r\n"
                               "Content-Type: image/heic\r\n\r\nftypheic\r\n"
                               "------WebKitFormBoundaryqRcGpWNbVXUm5AAe\r\n"
                               "Content-Disposition: form-data; name=\"submit\"\r\n\r\nUpload\r\n"
                               "------WebKitFormBoundaryqRcGpWNbVXUm5AAe--\r\n");

  EXPECT_THAT(parts, ElementsAre(file("f", "IMG_0001.HEIC", "image/heic", "ftypheic"), field("submit", "Upload")));
}

TEST(MultipartClients, InternetExplorerWithTheWholePath) {
  for (const char* boundary :
       {"---------------------------7d91083070262", "---------------------------7db1af18b064a"}) {
    const std::string line = "--" + std::string{boundary};
    const auto parts = sent_with("multipart/form-data; boundary=" + std::string{boundary},
                                 line +
                                     "\r\nContent-Disposition: form-data; name=\"f\"; "
                                     "filename=\"C:\\Documents and Settings\\user\\new\\a.png\"\r\n"
                                     "Content-Type: image/x-png\r\n\r\n" +
                                     kPng + "\r\n" + line +
                                     "\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n\r\n" + line + "--\r\n");

    EXPECT_THAT(parts, ElementsAre(file("f", "C:\\Documents and Settings\\user\\new\\a.png", "image/x-png", kPng),
                                   field("text", "")));
  }
}

TEST(MultipartClients, APageInGbk) {
  // 张三 and 图片\ in GBK; the second octet of 張 (U+5F35, 8F 88) is no ASCII, that of 乗 (U+4E57, 81 5C) is a
  // backslash.
  const std::string body =
      "------WebKitFormBoundaryAbC7yZq0pLmN3xWv\r\n"
      "Content-Disposition: form-data; name=\"author\"\r\n\r\n\xD5\xC5\xC8\xFD\r\n"
      "------WebKitFormBoundaryAbC7yZq0pLmN3xWv\r\n"
      "Content-Disposition: form-data; name=\"\xCE\xC4\xBC\xFE\"; filename=\"\x81\x5C.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\n\xCD\xBC\xC6\xAC\r\n"
      "------WebKitFormBoundaryAbC7yZq0pLmN3xWv--\r\n";

  const auto parts = sent_with("multipart/form-data; boundary=----WebKitFormBoundaryAbC7yZq0pLmN3xWv", body, "GBK");

  EXPECT_THAT(parts, ElementsAre(field("author", "\xD5\xC5\xC8\xFD"),
                                 file("文件", "乗.txt", "text/plain", "\xCD\xBC\xC6\xAC")));
}

TEST(MultipartClients, Curl) {
  const auto parts = sent_with("multipart/form-data; boundary=------------------------d74496d66958873e",
                               "--------------------------d74496d66958873e\r\n"
                               "Content-Disposition: form-data; name=\"person\"\r\n\r\nanonymous\r\n"
                               "--------------------------d74496d66958873e\r\n"
                               "Content-Disposition: form-data; name=\"secret\"; filename=\"a\\\"b\\\\c.txt\"\r\n"
                               "Content-Type: text/plain\r\n\r\ncontents\r\n\r\n"
                               "--------------------------d74496d66958873e--\r\n");

  EXPECT_THAT(parts,
              ElementsAre(field("person", "anonymous"), file("secret", "a\"b\\c.txt", "text/plain", "contents\r\n")));
}

TEST(MultipartClients, PythonRequests) {
  const auto parts =
      sent_with("multipart/form-data; boundary=0d2c7ab9e41f5e8c6b3a7d904f1e2c85",
                "--0d2c7ab9e41f5e8c6b3a7d904f1e2c85\r\n"
                "Content-Disposition: form-data; name=\"file\"; filename=\"report.xls\"\r\n"
                "Content-Type: application/vnd.ms-excel\r\nExpires: 0\r\n\r\nx\r\n"
                "--0d2c7ab9e41f5e8c6b3a7d904f1e2c85\r\n"
                "Content-Disposition: form-data; name=\"f2\"; filename*=utf-8''%E6%96%87.txt\r\n\r\ny\r\n"
                "--0d2c7ab9e41f5e8c6b3a7d904f1e2c85--\r\n");

  EXPECT_THAT(parts,
              ElementsAre(file("file", "report.xls", "application/vnd.ms-excel", "x"), file("f2", "文.txt", "", "y")));
}

TEST(MultipartClients, NodesFormData) {
  const auto parts = sent_with("multipart/form-data; boundary=--------------------------515890814546601021194782",
                               "----------------------------515890814546601021194782\r\n"
                               "Content-Disposition: form-data; name=\"my_field\"\r\n\r\nmy value\r\n"
                               "----------------------------515890814546601021194782\r\n"
                               "Content-Disposition: form-data; name=\"my_file\"; filename=\"unicycle.jpg\"\r\n"
                               "Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n"
                               "----------------------------515890814546601021194782--\r\n");

  EXPECT_THAT(parts,
              ElementsAre(field("my_field", "my value"), file("my_file", "unicycle.jpg", "image/jpeg", "\xff\xd8")));
}

TEST(MultipartClients, Undici) {
  const auto parts = sent_with("multipart/form-data; boundary=----formdata-undici-034812650743",
                               "------formdata-undici-034812650743\r\n"
                               "Content-Disposition: form-data; name=\"key\"\r\n\r\nvalue\r\n"
                               "------formdata-undici-034812650743\r\n"
                               "Content-Disposition: form-data; name=\"blob\"; filename=\"blob\"\r\n"
                               "Content-Type: application/octet-stream\r\n\r\n\r\n\r\n"
                               "------formdata-undici-034812650743--\r\n");

  EXPECT_THAT(parts, ElementsAre(field("key", "value"), file("blob", "blob", "application/octet-stream", "\r\n")));
}

TEST(MultipartClients, UndiciOfAnEmptyForm) {
  EXPECT_THAT(sent_with("multipart/form-data; boundary=----formdata-undici-034812650743",
                        "------formdata-undici-034812650743--\r\n"),
              ElementsAre());
}

}  // namespace
}  // namespace anser::codec
