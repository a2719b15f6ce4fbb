// What reading a form costs, by itself: bytes per CPU-second of this thread in pieces of 64 KiB, the best of several
// rounds, since the machine may have other work. It prints a name and a value a line, as anser-load does.
//
//   multipart_bench [--quick]
//   multipart_bench --body KIND FILE   writes the body that the peers read: random, crlf, near, small
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "codec/find.h"
#include "codec/multipart.h"

namespace {

using anser::codec::Finder;
using anser::codec::MultipartReader;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kInCache = 1 << 20;
constexpr std::size_t kBadInCache = 256 << 10;  // of what there are many kinds
constexpr std::size_t kBeyondCache = 256 << 20;
constexpr std::string_view kBoundary = "----WebKitFormBoundaryAbC7yZq0pLmN3xWv";

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::string repeated(std::string_view pattern, std::size_t size) {
  std::string text;
  text.reserve(size + pattern.size());
  while (text.size() < size) text += pattern;
  text.resize(size);
  return text;
}

std::string random_bytes(std::size_t size) {
  std::mt19937_64 random{1};
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

std::string delimiter_of(std::string_view boundary) { return std::string{"\r\n--"}.append(boundary); }

// Every `distance` bytes a delimiter with one wrong byte; what does not fit is cut off.
std::string near_delimiters(std::string_view boundary, std::size_t wrong, std::size_t distance, std::size_t size) {
  std::string near = delimiter_of(boundary);
  near[wrong] = near[wrong] == '!' ? '#' : '!';
  near.resize(std::max(distance, wrong + 1), '.');
  return repeated(near, size);
}

std::string head_of(std::string_view boundary) {
  return fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"file1\"; filename=\"holiday.jpg\"\r\n"
      "Content-Type: image/jpeg\r\n\r\n",
      boundary);
}

std::string small_parts(std::size_t count) {
  std::string body;
  for (std::size_t i = 0; i < count; ++i) {
    body += fmt::format(
        "--{}\r\nContent-Disposition: form-data; name=\"field{}\"\r\nContent-Type: text/plain\r\n\r\n"
        "value {}\r\n",
        kBoundary, i % 10, i % 100);
  }
  return body;
}

[[noreturn]] void fail(const MultipartReader& reader) {
  fmt::print(stderr, "multipart_bench: {}\n", reader.reason());
  std::exit(1);
}

// What takes the data looks at none of it; how many bytes that were says whether all have come.
std::size_t read(MultipartReader& reader, std::string_view bytes) {
  using Event = MultipartReader::Event;
  std::size_t data = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    std::string_view input = bytes.substr(at, kPiece);
    for (Event event = reader.next(input); event != Event::need_more; event = reader.next(input)) {
      if (event == Event::error) fail(reader);
      if (event == Event::data) data += reader.data().size();
    }
  }
  return data;
}

class Rounds {
 public:
  Rounds(int rounds, double seconds) : rounds_(rounds), seconds_(seconds) {}

  // The most units per CPU-second; `work` returns how many it did.
  template <class Work>
  double most(Work work) const {
    double most = 0;
    for (int round = 0; round < rounds_; ++round) {
      const double from = cpu_seconds();
      double units = 0, took = 0;
      do {
        units += static_cast<double>(work());
        took = cpu_seconds() - from;
      } while (took < seconds_);
      most = std::max(most, units / took);
    }
    return most;
  }

  // One part without an end, whose data are these again and again.
  double within_a_part(std::string_view boundary, std::string_view data) const {
    MultipartReader reader{boundary};
    read(reader, head_of(boundary) + "x");
    return most([&] {
      const std::size_t had = read(reader, data);
      if (had + Finder::kMaxSize < data.size()) fail(reader);
      return data.size();
    });
  }

 private:
  int rounds_;
  double seconds_;
};

void print(std::string_view name, double value) {
  fmt::print("{} {:.3f}\n", name, value);
  std::fflush(stdout);
}

// The least of some rates, in GB/s.
struct Least {
  double value = 1e300;
  std::string of;

  void take(double rate, std::string what) {
    if (rate < value) value = rate, of = std::move(what);
  }
};

void measure_near(const Rounds& rounds) {
  const std::size_t size = delimiter_of(kBoundary).size();
  Least all;
  for (const std::size_t distance : {40u, 42u, 47u, 64u, 100u, 200u, 333u, 1000u, 1024u, 4096u}) {
    for (const std::size_t wrong : {std::size_t{0}, size / 2, size - 1}) {
      // A shorter boundary for what stands closer than this one is long.
      const std::string_view boundary = distance < size ? kBoundary.substr(0, distance - 4) : kBoundary;
      const std::size_t here = std::min(wrong, boundary.size() + 3);
      const double rate = rounds.within_a_part(boundary, near_delimiters(boundary, here, distance, kBadInCache));
      all.take(rate, fmt::format("wrong at {}, every {} bytes", here, distance));
    }
  }
  print("near", all.value / 1e9);
  fmt::print(stderr, "near delimiters are worst: {}\n", all.of);
}

// Who knows how the reader works, and chooses boundary and data against it: pieces of the delimiter of every length,
// alone and with the two rare bytes where they are looked for.
void measure_worst(const Rounds& rounds) {
  Least all;
  for (const std::string& boundary : {std::string{kBoundary}, std::string(70, 'a'), std::string(70, '-'),
                                      std::string{"a"}, "a" + std::string(68, '-') + "b"}) {
    const std::string delimiter = delimiter_of(boundary);
    for (std::size_t size = 1; size < delimiter.size(); size += size < 16 ? 1 : 6) {
      all.take(rounds.within_a_part(boundary, repeated(delimiter.substr(0, size), kBadInCache)),
               fmt::format("{} bytes of the front of {}", size, boundary));
      all.take(rounds.within_a_part(boundary, repeated(delimiter.substr(delimiter.size() - size), kBadInCache)),
               fmt::format("{} bytes of the end of {}", size, boundary));
    }
    all.take(rounds.within_a_part(boundary, repeated("\r" + delimiter.substr(0, delimiter.size() - 1), kBadInCache)),
             fmt::format("all but the last byte of {}", boundary));
  }
  print("worst", all.value / 1e9);
  fmt::print(stderr, "worst of all: {}\n", all.of);
}

void measure_beyond_cache(const Rounds& rounds) {
  std::string memory = random_bytes(kBeyondCache);
  std::replace(memory.begin(), memory.end(), '\x07', '\x08');
  // Of both the best of the same rounds, one after the other, since what others do to the memory comes and goes.
  double reader = 0, scan = 0;
  for (int i = 0; i < 3; ++i) {
    reader = std::max(reader, rounds.within_a_part(kBoundary, memory));
    scan = std::max(scan, rounds.most([&] {
      const void* at = std::memchr(memory.data(), '\x07', memory.size());
      return at == nullptr ? memory.size() : 0;
    }));
  }
  print("beyond_cache", reader / 1e9);
  print("memchr", scan / 1e9);
}

void measure_small(const Rounds& rounds) {
  constexpr std::size_t kParts = 1000;
  const std::string body = small_parts(kParts) + fmt::format("--{}--\r\n", kBoundary);
  const double rate = rounds.most([&] {
    MultipartReader reader{kBoundary, {.parts = kParts}};
    std::string_view input = body;
    std::size_t ended = 0;
    for (auto event = reader.next(input); event != MultipartReader::Event::end; event = reader.next(input)) {
      if (event == MultipartReader::Event::error) fail(reader);
      if (event == MultipartReader::Event::part_end) ++ended;
    }
    return ended;
  });
  print("small", 1e9 / rate);
}

std::string body_of(std::string_view kind) {
  const std::size_t middle = delimiter_of(kBoundary).size() / 2;
  const std::string close = fmt::format("\r\n--{}--\r\n", kBoundary);
  if (kind == "random") return head_of(kBoundary) + random_bytes(kInCache) + close;
  if (kind == "crlf") return head_of(kBoundary) + repeated("\r\n", kInCache) + close;
  if (kind == "near") return head_of(kBoundary) + near_delimiters(kBoundary, middle, 64, kInCache) + close;
  if (kind == "small") return small_parts(1000) + fmt::format("--{}--\r\n", kBoundary);
  fmt::print(stderr, "multipart_bench: no body {}\n", kind);
  std::exit(2);
}

void write_body(std::string_view kind, const char* path) {
  const std::string body = body_of(kind);
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr || std::fwrite(body.data(), 1, body.size(), file) != body.size() || std::fclose(file) != 0) {
    fmt::print(stderr, "multipart_bench: cannot write {}\n", path);
    std::exit(1);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  if (words.size() == 3 && words[0] == "--body") {
    write_body(words[1], arguments[3]);
    return 0;
  }
  const bool quick = !words.empty() && words[0] == "--quick";
  const Rounds rounds = quick ? Rounds{2, 0.002} : Rounds{9, 0.01};
  const Rounds many = quick ? Rounds{1, 0.0005} : Rounds{5, 0.003};
  print("random", rounds.within_a_part(kBoundary, random_bytes(kInCache)) / 1e9);
  print("crlf", rounds.within_a_part(kBoundary, repeated("\r\n", kInCache)) / 1e9);
  print("near_64", rounds.within_a_part(kBoundary, near_delimiters(kBoundary, 21, 64, kInCache)) / 1e9);
  measure_near(many);
  measure_worst(many);
  measure_beyond_cache(rounds);
  measure_small(rounds);
}
