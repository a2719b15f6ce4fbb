// The way of a body into the vault: the loop reads what is there into a place, a worker writes it from there. A client
// that is faster than the disk fills the place each time, so a worker is asked seldom; one that is slow holds no memory
// while it is waited for.
#include "upload/pace.h"
#include "upload/places.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

constexpr std::chrono::seconds kProgress{1};

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
  std::uint64_t taken = 0;
  Tick told = shared.clock.tick();
  for (bool more = true; more;) {
    auto placing = Places::of_core()->take(exchange);
    co_await std::move(placing);
    Place place;
    const Result<bool> filled = place.fill(exchange, limit - taken);
    more = filled && *filled;
    const std::string_view bytes = place.bytes();
    taken += bytes.size();
    if (along && along->bytes && !bytes.empty()) along->bytes(bytes);
    auto writing = shared.vault.append(upload, bytes);
    const Result<void> written = co_await std::move(writing);
    if (!written) co_return pass(written);
    if (!filled) co_return pass(filled);
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
