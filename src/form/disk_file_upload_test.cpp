#include "form/disk_file_upload.h"

#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

#include "form/test_form.h"

namespace anser::form {
namespace {

using test::field;
using test::file;
using test::Folder;
using test::kEnd;
using test::request;

TEST(ReadItems, KeepsSmallItemsInMemoryAndLargeOnesInFiles) {
  const Folder folder;
  const std::string body = field("a", "1") + file("f", "a.txt", std::string(200'000, 'x')) + kEnd;
  for (const std::size_t piece : {1UL, 7UL, 65536UL}) {
    auto items = read_items(request(body, piece), {.size_threshold = 1000, .directory = folder.path()});

    ASSERT_TRUE(items);
    ASSERT_EQ(items->size(), 2U);
    EXPECT_TRUE(items->front().content().is_in_memory());
    EXPECT_EQ(items->front().content().bytes(), "1");
    EXPECT_FALSE(items->back().content().is_in_memory());
    EXPECT_EQ(items->back().header().file_name, "a.txt");
    EXPECT_EQ(items->back().content().bytes(), std::string(200'000, 'x'));
  }
  EXPECT_EQ(folder.files(), 0U);
}

TEST(ReadItems, ReadsTextInTheCharsetThatIsToldOrAsked) {
  const auto items = read_items(request(field("a", "\xC4\xE3") + field("_charset_", "gbk") + field("b", "\xC4\xE3") +
                                        field("c", "\xA7\x41", "Content-Type: text/plain; charset=big5\r\n") + kEnd),
                                {});

  ASSERT_TRUE(items);
  EXPECT_EQ((*items)[0].text_as_told("iso-8859-1"), "Äã");
  EXPECT_EQ((*items)[0].text("gb2312"), "你");
  EXPECT_EQ((*items)[2].text_as_told("iso-8859-1"), "你");
  EXPECT_EQ((*items)[3].text_as_told("iso-8859-1"), "你");
  EXPECT_EQ((*items)[0].text("utf-7").error().code, Errc::unsupported);
}

TEST(ReadItems, LimitsFieldsAsItLimitsFiles) {
  const auto items = read_items(request(field("a", "123456") + kEnd), {.form = {.limits = {.file_bytes = 5}}});

  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::file_size);
  EXPECT_EQ(items.error().field_name, "a");
  EXPECT_EQ(items.error().permitted, 5U);
}

TEST(ReadItems, LeavesNothingWhenTheBodyBreaksOff) {
  const Folder folder;
  const auto items = read_items(request(file("f", "a", std::string(1000, 'x')) + file("g", "b", "begun")),
                                {.size_threshold = 0, .directory = folder.path()});

  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::malformed);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(ReadItems, LeavesNothingWhenTheSourceThrows) {
  const Folder folder;
  UploadRequest broken = request("");
  broken.read = [first = true](std::span<char> into) mutable {
    if (!std::exchange(first, false)) throw std::runtime_error{"the connection is gone"};
    const std::string body = file("f", "a", std::string(1000, 'x'));
    return static_cast<std::size_t>(std::copy(body.begin(), body.end(), into.begin()) - into.begin());
  };

  EXPECT_THROW(read_items(std::move(broken), {.size_threshold = 0, .directory = folder.path()}), std::runtime_error);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(ReadItems, LeavesNothingWhenALimitIsCrossed) {
  const Folder folder;
  const std::string body = file("f", "a", std::string(1000, 'x')) + file("g", "b", std::string(1001, 'x')) + kEnd;
  const std::vector<FormReader::Limits> limits{{.request_bytes = 1500}, {.file_bytes = 1000}, {.items = 1}};
  for (const FormReader::Limits& limit : limits) {
    UploadRequest sent = request(body, 100);
    sent.content_length.reset();
    const auto items =
        read_items(std::move(sent), {.form = {.limits = limit}, .size_threshold = 0, .directory = folder.path()});
    ASSERT_FALSE(items);
    EXPECT_NE(items.error().kind, FormError::Kind::malformed);
    EXPECT_EQ(folder.files(), 0U);
  }
}

TEST(ReadItems, KeepsLargeFieldsInFilesAsWell) {
  const Folder folder;
  const auto items = read_items(request(field("a", std::string(100'000, 'x')) + kEnd), {.directory = folder.path()});

  ASSERT_TRUE(items);
  EXPECT_FALSE(items->front().content().is_in_memory());
}

TEST(ReadItems, RefusesASourceThatSaysNonsense) {
  const Folder folder;
  UploadRequest broken = request("");
  broken.read = [first = true](std::span<char> into) mutable -> std::size_t {
    if (!std::exchange(first, false)) return static_cast<std::size_t>(-1);
    const std::string body = file("f", "a", std::string(1000, 'x'));
    return body.copy(into.data(), body.size());
  };

  const auto items = read_items(std::move(broken), {.size_threshold = 0, .directory = folder.path()});

  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::io);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(ReadItems, BelievesNoContentLengthWhereTheFormGoesOn) {
  const std::string body = field("a", std::string(1000, 'x')) + kEnd;
  for (const std::uint64_t said : {0UL, 500UL, 5000UL}) {
    UploadRequest lying = request(body, 100);
    lying.content_length = said;
    const auto items = read_items(std::move(lying), {});
    ASSERT_TRUE(items) << said;
    EXPECT_EQ(items->front().content().size(), 1000U);
  }
}

// CVE-2023-24536 (Go) for a file for each part; a program that has no file descriptor left accepts nobody.
TEST(ReadItems, TakesFewFileDescriptorsForManyFiles) {
  const auto open_ones = [] {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {}));
  };
  const Folder folder;
  std::string body;
  for (int i = 0; i < 300; ++i) body += file("f", "a", "content " + std::to_string(i));
  const std::size_t before = open_ones();

  auto items = read_items(request(body + kEnd), {.size_threshold = 0, .directory = folder.path()});

  ASSERT_TRUE(items) << items.error().message;
  EXPECT_EQ(open_ones(), before + kOwnFiles + 1);
  ASSERT_EQ(items->size(), 300U);
  (*items)[100].content().remove();
  for (const std::size_t i : {0U, 63U, 64U, 65U, 99U, 101U, 299U}) {
    auto& content = (*items)[i].content();
    const std::string expected = "content " + std::to_string(i);
    EXPECT_FALSE(content.is_in_memory());
    EXPECT_EQ(content.bytes(), expected);
    EXPECT_EQ(content.size(), expected.size());
    ASSERT_TRUE(content.keep_as(folder / "kept"));
    EXPECT_EQ(test::content_of(folder / "kept"), expected);
    EXPECT_EQ(content.bytes(), expected);
  }
  EXPECT_FALSE((*items)[299].content().keep_as((folder / "a") + std::string{"\0.gif", 5}));
  items->clear();
  EXPECT_EQ(open_ones(), before);
  EXPECT_EQ(folder.files(), 1U);
}

// A list of fields costs a hundred bytes for each: CVE-2022-41725, CVE-2023-24536 (Go) for names in parts.
TEST(ReadItems, RefusesAHeaderOfVeryManyFields) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a:\r\n";
  const auto items = read_items(request(field("a", "1", many) + kEnd), {});

  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::malformed);
}

TEST(ReadItems, SaysWhichItemFoundTheDiskFull) {
  const Folder folder;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  const auto items =
      read_items(request(file("f", "a.txt", "small") + file("g", "b.txt", std::string(100'000, 'x')) + kEnd),
                 {.size_threshold = 0, .directory = folder.path()});

  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::io);
  EXPECT_EQ(items.error().file_name, "b.txt");
  EXPECT_EQ(folder.files(), 0U);
}

TEST(ReadItems, SaysThatTheRepositoryIsMissing) {
  const Folder folder;
  const auto items =
      read_items(request(file("f", "a", "x") + kEnd), {.size_threshold = 0, .directory = folder / "missing"});

  ASSERT_FALSE(items);
  EXPECT_EQ(items.error().kind, FormError::Kind::io);
  EXPECT_EQ(items.error().message, "a temporary file can't be made: No such file or directory");
}

TEST(ReadItems, TellsHowFarItIs) {
  struct Told {
    std::uint64_t bytes;
    std::int64_t total;
    std::size_t items;
    bool operator==(const Told&) const = default;
  };
  std::vector<Told> told;
  UploadSettings settings;
  settings.progress = [&](std::uint64_t bytes, std::int64_t total, std::size_t items) {
    told.push_back({bytes, total, items});
  };
  const std::string body = field("a", "1") + field("b", "2") + kEnd;
  const auto size = static_cast<std::int64_t>(body.size());

  ASSERT_TRUE(read_items(request(body, 40), std::move(settings)));

  EXPECT_EQ(told.front(), (Told{40, size, 0}));
  EXPECT_EQ(told.back().bytes, body.size());
  EXPECT_EQ(told.back().items, 2U);
  EXPECT_TRUE(std::ranges::is_sorted(told, {}, &Told::bytes));
}

TEST(ItemStream, ReadsOverWhatNobodyReads) {
  auto stream = ItemStream::open(request(file("f", "a", std::string(100'000, 'x')) + field("b", "2") + kEnd, 1000), {});
  ASSERT_TRUE(stream);

  ASSERT_TRUE(stream->next().value());
  ASSERT_FALSE(stream->data()->empty());
  ASSERT_TRUE(stream->next().value());
  EXPECT_EQ(stream->header().name, "b");
  EXPECT_EQ(stream->number(), 2U);
  EXPECT_EQ(stream->data(), "2");
  EXPECT_EQ(stream->data(), "");
  EXPECT_EQ(stream->data(), "");
  EXPECT_FALSE(stream->next().value());
  EXPECT_FALSE(stream->next().value());
}

// Else a server that keeps its connections would take an epilogue for the next request.
TEST(ItemStream, ReadsTheRequestToItsEndBehindTheForm) {
  for (const std::size_t piece : {1UL, 7UL, 65536UL}) {
    for (const bool says_length : {true, false}) {
      const std::string body = field("a", "1") + kEnd + "GET /admin HTTP/1.1\r\n" + std::string(70'000, 'x');
      UploadRequest sent = request(body, piece);
      if (!says_length) sent.content_length.reset();
      std::uint64_t read = 0;
      UploadSettings settings;
      settings.progress = [&](std::uint64_t bytes, std::int64_t, std::size_t) { read = bytes; };
      auto stream = ItemStream::open(std::move(sent), std::move(settings));
      ASSERT_TRUE(stream);

      ASSERT_TRUE(stream->next().value());
      ASSERT_FALSE(stream->next().value());
      EXPECT_EQ(read, body.size());
      EXPECT_FALSE(stream->next().value());
    }
  }
}

TEST(ItemStream, LimitsWhatStandsBehindTheForm) {
  const std::string body = field("a", "1") + kEnd + std::string(200, 'x');
  UploadRequest sent = request(body, 10);
  sent.content_length.reset();
  auto stream = ItemStream::open(std::move(sent), {.form = {.limits = {.request_bytes = body.size() - 1}}});
  ASSERT_TRUE(stream->next().value());

  EXPECT_EQ(stream->next().error().kind, FormError::Kind::request_size);
}

TEST(ItemStream, DoesNotWaitForMoreThanTheContentLengthBehindTheForm) {
  UploadRequest sent = request(field("a", "1") + kEnd);
  sent.read = [read = std::move(sent.read), first = true](std::span<char> into) mutable {
    if (!std::exchange(first, false)) throw std::logic_error{"this would wait for ever"};
    return read(into);
  };
  auto stream = ItemStream::open(std::move(sent), {});

  ASSERT_TRUE(stream->next().value());
  EXPECT_FALSE(stream->next().value());
  EXPECT_FALSE(stream->next().value());
}

TEST(ItemStream, GivesNothingMoreAfterAnException) {
  for (const std::size_t when : {1U, 2U, 3U, 4U}) {
    UploadSettings settings;
    settings.progress = [when, calls = std::size_t{0}](std::uint64_t, std::int64_t, std::size_t) mutable {
      if (++calls == when) throw std::runtime_error{"cancelled"};
    };
    auto stream = ItemStream::open(request(field("a", "1") + field("b", "2") + kEnd, 40), std::move(settings));
    ASSERT_TRUE(stream);

    const auto read_all = [&] {
      while (stream->next().value()) {
      }
    };
    EXPECT_THROW(read_all(), std::runtime_error);
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(stream->next().error().kind, FormError::Kind::io);
    }
  }
}

// 256 MB through a temporary file; the peak of the process grows by what a buffer takes.
TEST(ReadItems, KeepsItsMemoryBoundedForALargeFile) {
  constexpr std::size_t kSize = 256U << 20;
  UploadRequest large = request("");
  large.content_length.reset();
  large.read = [start = file("f", "a", "").substr(0, file("f", "a", "").size() - 2), end = "\r\n" + kEnd,
                at = std::size_t{0}](std::span<char> into) mutable {
    std::size_t count = 0;
    if (at < start.size()) {
      count = start.copy(into.data(), into.size(), at);
    } else if (at < start.size() + kSize) {
      count = std::min(into.size(), start.size() + kSize - at);
      std::fill_n(into.data(), count, 'x');
    } else {
      count = end.copy(into.data(), into.size(), at - start.size() - kSize);
    }
    at += count;
    return count;
  };
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);

  const Folder folder;
  const auto items = read_items(std::move(large), {.directory = folder.path()});

  ::getrusage(RUSAGE_SELF, &after);
  ASSERT_TRUE(items) << items.error().message;
  EXPECT_EQ(items->front().content().size(), kSize);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024) << "KB";
}

}  // namespace
}  // namespace anser::form
