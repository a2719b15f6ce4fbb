#include "anser/file_upload.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace anser::sdk {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=B";

std::string field(const std::string& name, const std::string& value) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string file(const std::string& name, const std::string& file_name, const std::string& content) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + file_name +
         "\"\r\nContent-Type: image/gif\r\nX-More: 1\r\n\r\n" + content + "\r\n";
}
const std::string kEnd = "--B--\r\n";

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "anser-upload-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  const std::string& path() const { return path_; }
  std::ptrdiff_t files() const { return std::distance(std::filesystem::directory_iterator{path_}, {}); }

 private:
  std::string path_;
};

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<FileItem> parse(const std::string& body, DiskFileUpload upload = {}) {
  BytesRequestContext request{body, kType};
  return upload.parse_request(request);
}

// What is thrown, as the class that was named.
template <class Exception>
Exception thrown(const std::string& body, DiskFileUpload upload) {
  try {
    parse(body, std::move(upload));
  } catch (const Exception& exception) {
    return exception;
  }
  throw std::logic_error{"nothing was thrown"};
}

TEST(DiskFileUpload, GivesFieldsAndFiles) {
  const auto items =
      parse(field(" author ", "Anna") + file("file1", "C:\\bg.gif", "GIF") + file("file2", "", "") + kEnd);

  ASSERT_EQ(items.size(), 3U);
  EXPECT_TRUE(items[0].is_form_field());
  EXPECT_EQ(items[0].field_name(), "author");  // trimmed, as in Java
  EXPECT_EQ(items[0].name(), std::nullopt);
  EXPECT_EQ(items[0].content_type(), std::nullopt);
  EXPECT_EQ(items[0].get_string(), "Anna");
  EXPECT_FALSE(items[1].is_form_field());
  EXPECT_EQ(items[1].name(), "C:\\bg.gif");
  EXPECT_EQ(items[1].safe_name(), "bg.gif");
  EXPECT_EQ(items[1].content_type(), "image/gif");
  EXPECT_EQ(items[1].headers().back(), (std::pair<std::string, std::string>{"x-more", "1"}));
  EXPECT_EQ(items[1].get(), "GIF");
  EXPECT_EQ(items[1].size(), 3U);
  EXPECT_EQ(items[2].name(), "");
  EXPECT_EQ(items[2].size(), 0U);
}

TEST(DiskFileUpload, TellsAFormFromOtherRequests) {
  const auto is = [](std::string type, std::string method) {
    return DiskFileUpload::is_multipart_content(BytesRequestContext{"", std::move(type), std::move(method)});
  };
  EXPECT_TRUE(is(kType, "POST"));
  EXPECT_TRUE(is("Multipart/Form-Data", "PUT"));
  EXPECT_TRUE(is(kType, "PATCH"));
  EXPECT_TRUE(is("multipart/form-data; boundary", "POST"));  // and then an error that says what is wrong
  EXPECT_FALSE(is(kType, "GET"));
  EXPECT_FALSE(is("application/x-www-form-urlencoded", "POST"));
  EXPECT_FALSE(is("", "POST"));
}

TEST(DiskFileUpload, ReadsNamesAndFieldsInGbk) {
  DiskFileUpload upload;
  upload.set_header_encoding("gb2312");
  const auto items =
      parse(field("author", "\xD5\xC5\xC8\xFD") + file("file1", "C:\\\xCE\xC4\xBC\xFE\\\x81\x5C.txt", "") +
                file("file2", "文件.txt", "") + kEnd,
            upload);

  EXPECT_EQ(items[0].get_string("GB2312"), "张三");
  EXPECT_EQ(items[0].get_string(), "ÕÅÈý");  // ISO-8859-1, as in Java
  EXPECT_EQ(items[1].name(), "C:\\文件\\乗.txt");
  EXPECT_EQ(items[2].name(), "文件.txt");
  EXPECT_THROW(items[0].get_string("utf-7"), UnsupportedEncodingException);
  EXPECT_THROW(upload.set_header_encoding("no-such"), UnsupportedEncodingException);
  EXPECT_EQ(upload.header_encoding(), "gb2312");
}

TEST(DiskFileUpload, TakesTheEncodingOfTheRequestIfNoneIsSet) {
  class Request : public BytesRequestContext {
   public:
    using BytesRequestContext::BytesRequestContext;
    std::string character_encoding() const override { return "GBK"; }
  };
  const std::string body = file("f", "\xCE\xC4.txt", "") + kEnd;
  Request request{body, kType};
  EXPECT_EQ(DiskFileUpload{}.parse_request(request)[0].name(), "文.txt");
}

TEST(DiskFileUpload, SpillsFromTheThresholdOn) {
  const Folder folder;
  const std::string body = file("f", "a", "12345") + kEnd;
  for (const auto& [threshold, in_memory] : {std::pair{6, true}, {5, false}, {0, false}, {-1, false}}) {
    BytesRequestContext request{body, kType};
    DiskFileUpload upload;
    const auto items = upload.parse_request(request, threshold, -1, folder.path());
    EXPECT_EQ(items[0].is_in_memory(), in_memory) << threshold;
    EXPECT_EQ(items[0].get(), "12345");
    EXPECT_EQ(upload.size_threshold(), threshold);
    EXPECT_EQ(upload.repository_path(), folder.path());
  }
  EXPECT_EQ(folder.files(), 0);
}

TEST(DiskFileUpload, SaysWhichLimitWasCrossed) {
  const std::string body = field("a", "123456") + file("f", "b.txt", "1234567") + kEnd;
  DiskFileUpload whole, each, count, header;
  whole.set_size_max(100);
  each.set_file_size_max(6);
  count.set_file_count_max(1);
  header.set_part_header_size_max(60);

  const auto size = thrown<SizeLimitExceededException>(body, whole);
  EXPECT_EQ(size.permitted(), 100);
  EXPECT_EQ(size.actual(), static_cast<std::int64_t>(body.size()));
  const auto file_size = thrown<FileSizeLimitExceededException>(body, each);
  EXPECT_EQ(file_size.permitted(), 6);
  EXPECT_EQ(file_size.field_name(), "f");
  EXPECT_EQ(file_size.file_name(), "b.txt");
  EXPECT_EQ(thrown<FileCountLimitExceededException>(body, count).permitted(), 1);
  EXPECT_EQ(thrown<PartHeaderSizeLimitExceededException>(body, header).permitted(), 60);
  EXPECT_THROW(parse(body, each), SizeException);
  EXPECT_THROW(parse(body, each), FileUploadException);
}

TEST(DiskFileUpload, RefusesWhatIsNoForm) {
  const auto parse_type = [](std::string type, std::string body) {
    BytesRequestContext request{body, std::move(type)};
    DiskFileUpload{}.parse_request(request);
  };
  EXPECT_THROW(parse_type("text/plain", ""), FileUploadContentTypeException);
  EXPECT_THROW(parse_type("", ""), FileUploadContentTypeException);
  EXPECT_THROW(parse_type("multipart/form-data", ""), FileUploadBoundaryException);
  EXPECT_THROW(parse_type(kType, ""), MalformedStreamException);
  EXPECT_THROW(parse_type(kType, field("a", "1")), MalformedStreamException);
  EXPECT_THROW(parse_type(kType, "--B\r\nnonsense\r\n\r\n\r\n--B--"), MalformedStreamException);
}

TEST(DiskFileUpload, SaysThatTheRepositoryIsMissing) {
  const Folder folder;
  DiskFileUpload upload;
  upload.set_size_threshold(0);
  upload.set_repository_path(folder / "missing");
  EXPECT_THROW(parse(file("f", "a", "1") + kEnd, upload), FileUploadIOException);
}

TEST(DiskFileUpload, SweepsItsRepositoryBeforeItIsUsed) {
  const Folder folder;
  std::ofstream{folder / "anser-upload-0123456789abcdef0123456789abcdef.tmp"} << "left by a crash";
  DiskFileUpload upload;
  upload.set_repository_path(folder.path());
  parse(kEnd, upload);
  EXPECT_EQ(folder.files(), 0);
}

TEST(DiskFileUpload, TellsItsListener) {
  DiskFileUpload upload;
  std::int64_t last = 0, total = 0;
  int item = -1;
  upload.set_progress_listener(
      [&](std::int64_t bytes, std::int64_t of, int items) { last = bytes, total = of, item = items; });
  const std::string body = field("a", "1") + field("b", "2") + kEnd;

  parse(body, upload);

  EXPECT_EQ(last, static_cast<std::int64_t>(body.size()));
  EXPECT_EQ(total, last);
  EXPECT_EQ(item, 2);
}

TEST(FileItem, IsWrittenAndRemoved) {
  const Folder folder;
  for (const int threshold : {0, 1000}) {
    DiskFileUpload upload;
    upload.set_size_threshold(threshold);
    upload.set_repository_path(folder.path());
    std::ofstream{folder / "target"} << "older";
    auto items = parse(file("f", "a", "content") + kEnd, upload);

    items[0].write(folder / "target");
    EXPECT_EQ(items[0].get(), "content");
    items[0].write(folder / "again");
    items[0].remove();

    EXPECT_EQ(items[0].size(), 0U);
    EXPECT_EQ(content_of(folder / "target"), "content");
    EXPECT_EQ(content_of(folder / "again"), "content");
    EXPECT_THROW(items[0].write(folder / "missing/target"), FileUploadIOException);
    EXPECT_EQ(folder.files(), 2);
  }
}

TEST(FileItem, IsReadAsAStreamThatMayOutliveIt) {
  const std::string content = std::string(100'000, 'x') + "\r\nend";
  for (const int threshold : {0, 1'000'000}) {
    std::unique_ptr<std::istream> stream;
    {
      DiskFileUpload upload;
      upload.set_size_threshold(threshold);
      stream = parse(file("f", "a", content) + kEnd, upload)[0].input_stream();
    }
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>{*stream}, {}}), content);
  }
}

TEST(FileItem, SaysThatAStreamHasLostItsContent) {
  for (const int threshold : {0, 1'000'000}) {
    DiskFileUpload upload;
    upload.set_size_threshold(threshold);
    auto items = parse(file("f", "a", std::string(100'000, 'x')) + kEnd, upload);
    const auto stream = items[0].input_stream();
    const auto whole = items[0].input_stream();
    std::string room(100'000, '\0');
    ASSERT_TRUE(whole->read(room.data(), 100'000));
    ASSERT_EQ(stream->get(), 'x');

    items[0].remove();

    stream->read(room.data(), 100'000);
    EXPECT_TRUE(stream->bad());
    EXPECT_EQ(whole->get(), std::istream::traits_type::eof());
    EXPECT_FALSE(whole->bad());
  }
}

TEST(FileItem, RefusesToWriteToTheBeginningOfAPath) {
  const Folder folder;
  auto items = parse(file("f", "a", "x") + kEnd);
  EXPECT_THROW(items[0].write((folder / "a.php") + std::string{"\0.gif", 5}), FileUploadIOException);
  EXPECT_EQ(folder.files(), 0);
}

TEST(FileItem, IsTheSameWhenItHasMovedAndOutlivesWhatMadeIt) {
  const Folder folder;
  std::vector<FileItem> kept;
  {
    DiskFileUpload upload;
    upload.set_size_threshold(0);
    upload.set_repository_path(folder.path());
    const std::string body = file("f", "a", "one") + file("g", "b", "two") + kEnd;
    BytesRequestContext request{body, kType};
    auto items = upload.parse_request(request);
    kept.push_back(std::move(items[1]));
    kept.push_back(std::move(items[0]));
    kept[0] = std::move(kept[1]);
    kept.pop_back();
  }
  EXPECT_EQ(kept[0].get(), "one");
  kept[0].write(folder / "target");
  kept.clear();
  EXPECT_EQ(content_of(folder / "target"), "one");
  EXPECT_EQ(folder.files(), 1);
}

TEST(FileItem, ChangesItsNameAndKind) {
  auto items = parse(field("a", "1") + kEnd);
  items[0].set_field_name("b");
  items[0].set_form_field(false);
  FileItem moved = std::move(items[0]);
  EXPECT_EQ(moved.field_name(), "b");
  EXPECT_FALSE(moved.is_form_field());
}

TEST(FileItem, RefusesANameWithANulAndGivesASafeOne) {
  const std::string name{"a.php\0.gif", 10};
  const auto items = parse(file("f", name, "") + file("g", "a\x01\x7F.gif", "") + kEnd);

  try {
    items[0].name();
    FAIL() << "nothing was thrown";
  } catch (const InvalidFileNameException& exception) {
    EXPECT_EQ(exception.name(), name);
  }
  EXPECT_EQ(items[0].safe_name(), "a.php.gif");
  EXPECT_EQ(items[1].name(), "a\x01\x7F.gif");
  EXPECT_EQ(items[1].safe_name(), "a.gif");
}

TEST(FileItemIterator, GivesItemsAsTheyCome) {
  const std::string body = field("a", "1") + file("f", "b.txt", std::string(100'000, 'x')) + field("c", "3") + kEnd;
  BytesRequestContext request{body, kType};
  FileItemIterator items = DiskFileUpload{}.item_iterator(request);
  std::array<char, 100> room{};

  ASSERT_TRUE(items.has_next());
  ASSERT_TRUE(items.has_next());
  FileItemStream first = items.next();
  EXPECT_EQ(first.field_name(), "a");
  EXPECT_TRUE(first.is_form_field());
  EXPECT_EQ(first.read(room), 1U);
  EXPECT_EQ(first.read(room), 0U);
  FileItemStream second = items.next();
  EXPECT_EQ(second.name(), "b.txt");
  EXPECT_EQ(second.content_type(), "image/gif");
  EXPECT_EQ(second.read(room), room.size());
  FileItemStream third = items.next();  // the rest of the second is read over
  EXPECT_EQ(third.field_name(), "c");
  EXPECT_EQ(third.read(room), 1U);
  EXPECT_THROW(second.read(room), ItemSkippedException);
  EXPECT_FALSE(items.has_next());
  EXPECT_THROW(third.read(room), ItemSkippedException);
  EXPECT_THROW(items.next(), std::out_of_range);
}

// A request of a program's own.
class Custom : public RequestContext {
 public:
  explicit Custom(std::string body) : body_(std::move(body)) {}
  std::string method() const override { return "POST"; }
  std::string content_type() const override { return kType; }
  std::int64_t content_length() const override { return length; }
  std::string character_encoding() const override { return encoding; }
  std::size_t read(std::span<char> into) override {
    if (on_read) on_read();
    const std::size_t count = body_.copy(into.data(), std::min<std::size_t>(into.size(), 50), at_);
    at_ += count;
    return nonsense ? into.size() + 1 : count;
  }

  std::int64_t length = -1;
  std::string encoding;
  std::function<void()> on_read;
  bool nonsense = false;

 private:
  std::string body_;
  std::size_t at_ = 0;
};

// CVE-2026-53540: a negative length that turned a limited read into one of everything.
TEST(RequestContext, ANegativeLengthIsNoneAndLimitsHold) {
  const std::string body = file("f", "a", std::string(1000, 'x')) + kEnd;
  for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{-5}, INT64_MIN}) {
    Custom request{body};
    request.length = length;
    DiskFileUpload upload;
    upload.set_size_max(500);
    EXPECT_THROW(upload.parse_request(request), SizeLimitExceededException) << length;
  }
}

TEST(RequestContext, MayThrowWhatItLikes) {
  const Folder folder;
  Custom request{file("f", "a", std::string(1000, 'x')) + kEnd};
  request.on_read = [calls = 0]() mutable {
    if (++calls == 10) throw 42;
  };
  DiskFileUpload upload;
  upload.set_size_threshold(0);
  upload.set_repository_path(folder.path());
  EXPECT_THROW(upload.parse_request(request), int);
  EXPECT_EQ(folder.files(), 0);
}

TEST(RequestContext, IsNotBelievedWhenItSaysNonsense) {
  Custom request{kEnd};
  request.nonsense = true;
  EXPECT_THROW(DiskFileUpload{}.parse_request(request), FileUploadIOException);
}

TEST(RequestContext, AnEncodingThatIsNoneIsUtf8) {
  for (const char* encoding : {"utf-7", "no-such", "../../etc/passwd", "utf-16"}) {
    Custom request{file("f", "文.txt", "") + kEnd};
    request.encoding = encoding;
    EXPECT_EQ(DiskFileUpload{}.parse_request(request)[0].name(), "文.txt") << encoding;
    EXPECT_THROW(DiskFileUpload{}.set_header_encoding(encoding), UnsupportedEncodingException);
  }
}

// Equal is allowed, one more is not, as in commons-fileupload.
TEST(DiskFileUpload, TakesWhatIsAsLargeAsALimitAndNothingMore) {
  const std::string item = file("f", "a", "12345");
  const std::string body = item + field("b", "12345") + kEnd;
  const auto header = static_cast<std::int64_t>(item.find("12345") - item.find("Content-Disposition"));
  const auto set = [&](std::int64_t less) {
    DiskFileUpload size, each, count, headers;
    size.set_size_max(static_cast<std::int64_t>(body.size()) - less);
    each.set_file_size_max(5 - less);
    count.set_file_count_max(2 - less);
    headers.set_part_header_size_max(header - less);
    return std::vector{size, each, count, headers};
  };
  for (const DiskFileUpload& upload : set(0)) EXPECT_EQ(parse(body, upload).size(), 2U);
  for (const DiskFileUpload& upload : set(1)) EXPECT_THROW(parse(body, upload), SizeException);
  DiskFileUpload unlimited;
  unlimited.set_file_count_max(-1);
  unlimited.set_part_header_size_max(-1);
  EXPECT_EQ(parse(body, unlimited).size(), 2U);
  DiskFileUpload nothing;
  nothing.set_file_count_max(0);
  EXPECT_THROW(parse(body, nothing), FileCountLimitExceededException);
  EXPECT_TRUE(parse(kEnd, nothing).empty());
}

TEST(FileItemIterator, GivesNothingMoreAfterAListenerHasThrown) {
  const std::string body = field("a", "1") + field("b", "2") + kEnd;
  BytesRequestContext request{body, kType};
  DiskFileUpload upload;
  upload.set_progress_listener([](std::int64_t, std::int64_t, int item) {
    if (item == 1) throw std::runtime_error{"cancelled"};
  });
  FileItemIterator items = upload.item_iterator(request);

  EXPECT_THROW(items.has_next(), std::runtime_error);
  EXPECT_THROW(items.has_next(), FileUploadIOException);
  EXPECT_THROW(items.next(), FileUploadIOException);
}

TEST(FileItemIterator, MayOutliveWhatMadeIt) {
  const std::string body = field("a", std::string(100, 'x')) + kEnd;
  Custom request{body};
  auto upload = std::make_unique<DiskFileUpload>();
  auto items = std::make_unique<FileItemIterator>(upload->item_iterator(request));
  upload.reset();
  FileItemStream item = items->next();
  items.reset();
  std::array<char, 200> room{};
  std::size_t size = 0;
  while (const std::size_t count = item.read(room)) size += count;
  EXPECT_EQ(size, 100U);
}

TEST(FileItemIterator, FailsAgainAndAgain) {
  const std::string body = file("f", "b.txt", "123456") + kEnd;
  BytesRequestContext request{body, kType};
  DiskFileUpload upload;
  upload.set_file_size_max(5);
  FileItemIterator items = upload.item_iterator(request);
  FileItemStream item = items.next();
  std::array<char, 100> room{};

  EXPECT_THROW(item.read(room), FileSizeLimitExceededException);
  EXPECT_THROW(item.read(room), FileSizeLimitExceededException);
  EXPECT_THROW(items.has_next(), FileSizeLimitExceededException);
}

TEST(StreamRequestContext, ReadsNoFurtherThanTheRequest) {
  const std::string body = field("a", "1") + kEnd;
  std::istringstream in{body + "the next request"};
  StreamRequestContext request{in, kType, static_cast<std::int64_t>(body.size())};

  EXPECT_EQ(DiskFileUpload{}.parse_request(request)[0].get(), "1");

  std::string rest;
  std::getline(in, rest);
  EXPECT_EQ(rest, "the next request");
}

TEST(StreamRequestContext, ReadsToTheEndIfTheLengthIsNotKnown) {
  std::istringstream in{field("a", "1") + kEnd};
  StreamRequestContext request{in, kType};
  EXPECT_EQ(request.content_length(), -1);
  EXPECT_EQ(DiskFileUpload{}.parse_request(request).size(), 1U);
}

TEST(StreamRequestContext, ABodyShorterThanItsLengthIsMalformed) {
  std::istringstream in{field("a", "1")};
  StreamRequestContext request{in, kType, 1000};
  EXPECT_THROW(DiskFileUpload{}.parse_request(request), MalformedStreamException);
}

}  // namespace
}  // namespace anser::sdk
