// The way of a body into the vault. The loop reads, a worker writes. A client that is faster than the loop fills the
// loop's buffer with every read: such pieces are collected, so that a worker is asked seldom. What comes in small
// pieces is written at once, so a slow upload holds no memory while it waits. What all uploads of a core have collected
// is bounded; beyond, everything is written at once.
#include <algorithm>
#include <vector>

#include "upload/pace.h"
#include "upload/places.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kFullRead =
    net::Core::kReadBuffer / 2;  // a request's head or a chunk's takes a part of the buffer
constexpr std::chrono::seconds kProgress{1};
constexpr std::size_t kBuffersOfCore = 16;  // collected at once, and kept for the next

// Where pieces are collected. A core's own, so nothing is locked. Beyond the limit, a buffer is only what it is used
// for.
class Buffers {
 public:
  static Buffers& of_core() {
    thread_local Buffers buffers;
    return buffers;
  }
  // May more than a piece be collected?
  bool take(std::string& buffer) {
    if (taken_ >= kBuffersOfCore) return false;
    ++taken_;
    if (!kept_.empty()) {
      buffer = std::move(kept_.back());
      kept_.pop_back();
    }
    buffer.reserve(kPiece);
    return true;
  }
  void give_back(std::string buffer) {
    --taken_;
    buffer.clear();
    if (kept_.size() < kKept && buffer.capacity() <= kPiece + kPiece / 2) kept_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kKept = 4;
  std::size_t taken_ = 0;
  std::vector<std::string> kept_;
};

// One upload's piece. It has one of the core's buffers while something is collected, and none while it waits.
class Piece {
 public:
  Piece() = default;
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  ~Piece() { let_go(); }

  // True: now it shall be written.
  bool add(std::string_view bytes) {
    const bool full = bytes.size() >= kFullRead;
    if (!pooled_ && full) pooled_ = Buffers::of_core().take(text);
    text.append(bytes);
    return !pooled_ || !full || text.size() + net::Core::kReadBuffer > kPiece;
  }
  void let_go() {
    if (pooled_) Buffers::of_core().give_back(std::move(text));
    pooled_ = false;
    std::string{}.swap(text);
  }

  std::string text;

 private:
  bool pooled_ = false;
};

// Nobody calls back into a request that has ended.
class Unwanted {
 public:
  Unwanted(OpenUpload& upload, net::HttpExchange& exchange) : upload_(upload) {
    upload.on_unwanted([&exchange] { exchange.stop_reading(); });
  }
  ~Unwanted() { upload_.on_unwanted({}); }
  Unwanted(const Unwanted&) = delete;
  Unwanted& operator=(const Unwanted&) = delete;

 private:
  OpenUpload& upload_;
};

}  // namespace

net::Task<Result<std::uint64_t>> take_body(Shared& shared, net::HttpExchange& exchange, OpenUpload& upload,
                                           std::uint64_t limit, const Along* along) {
  const auto settings = shared.settings();
  if (exchange.request().content_length.value_or(0) > limit)
    co_return fail(Errc::policy_violation, "more than {} bytes", limit);
  const Pace pace{shared.clock, *settings};
  const Unwanted unwanted{upload, exchange};
  Piece piece;
  std::uint64_t taken = 0;
  Tick told = shared.clock.tick();
  for (bool more = true; more;) {
    Result<void> good;
    auto placing = Places::of_core().take(exchange);
    co_await std::move(placing);
    const Place place;
    auto reading = exchange.read();
    const Result<std::string_view> bytes = co_await std::move(reading);
    if (!bytes) {
      good = pass(bytes);
    } else if (bytes->size() > limit - taken) {
      good = fail(Errc::policy_violation, "more than {} bytes", limit);
    }
    more = bytes && good && !bytes->empty();
    const bool write = more ? piece.add(*bytes) : !piece.text.empty();
    if (more) {
      taken += bytes->size();
      if (along && along->bytes) along->bytes(*bytes);
    }
    if (write) {
      auto writing = shared.vault.append_from(upload, piece.text);
      const Result<void> written = co_await std::move(writing);
      if (!written) co_return pass(written);
      piece.let_go();
    }
    if (!good) co_return pass(good);
    if (more && along && along->confirmed && shared.clock.tick() - told >= kProgress) {
      auto confirming = shared.vault.confirm(upload);
      const Result<void> confirmed = co_await std::move(confirming);
      if (!confirmed) co_return pass(confirmed);
      along->confirmed(upload.offset());
      told = shared.clock.tick();
    }
    if (more && pace.too_slow(taken)) {
      exchange.stop_reading();  // nor is the rest waited for
      co_return fail(Errc::timeout, "the body comes too slowly");
    }
  }
  if (upload.unwanted()) co_return fail(Errc::closed, "another request has taken this upload");
  co_return taken;
}

}  // namespace anser::upload
