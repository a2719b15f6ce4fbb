// The Sec-WebSocket-Extensions of strangers. What a server answers, a client that offered everything takes, and both
// mean the same; what an offer of ours may be answered with is inside what it said.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "codec/permessage_deflate.h"

namespace {

using namespace anser;
using namespace anser::codec;

constexpr DeflateSettings kEverything{.server_no_context_takeover = false, .client_no_context_takeover = false};

DeflateSettings settings_of(unsigned how) {
  return {.server_no_context_takeover = (how & 1) != 0,
          .client_no_context_takeover = (how & 2) != 0,
          .server_max_window_bits = 8 + static_cast<int>(how >> 2 & 7),
          .client_max_window_bits = 8 + static_cast<int>(how >> 5)};
}

void check_server(std::string_view header, const DeflateSettings& settings) {
  const auto answer = answer_deflate_offers(header, settings);
  if (!answer) ANSER_ASSERT(answer.error().code == Errc::bad_request);
  if (!answer || !*answer) return;
  const DeflateAgreement& agreed = (*answer)->agreement;
  ANSER_ASSERT(agreed.server_no_context_takeover || !settings.server_no_context_takeover);
  ANSER_ASSERT(agreed.client_no_context_takeover || !settings.client_no_context_takeover);
  ANSER_ASSERT(agreed.server_window_bits >= 8 && agreed.server_window_bits <= settings.server_max_window_bits);
  ANSER_ASSERT(agreed.client_window_bits >= 8 && agreed.client_window_bits <= 15);
  const auto accepted = accept_deflate_answer((*answer)->header, kEverything);
  ANSER_ASSERT(accepted && *accepted && **accepted == agreed);
}

void check_client(std::string_view header, const DeflateSettings& settings) {
  const auto accepted = accept_deflate_answer(header, settings);
  if (!accepted) ANSER_ASSERT(accepted.error().code == Errc::bad_request);
  if (!accepted || !*accepted) return;
  const DeflateAgreement& agreed = **accepted;
  ANSER_ASSERT(agreed.server_no_context_takeover || !settings.server_no_context_takeover);
  ANSER_ASSERT(agreed.client_no_context_takeover || !settings.client_no_context_takeover);
  ANSER_ASSERT(agreed.server_window_bits >= 8 && agreed.server_window_bits <= settings.server_max_window_bits);
  ANSER_ASSERT(agreed.client_window_bits >= 8 && agreed.client_window_bits <= settings.client_max_window_bits);
  ANSER_ASSERT(answer_deflate_offers(header, settings));  // by grammar it is an offer, too
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const DeflateSettings settings = settings_of(data[0]);
  const std::string_view header{reinterpret_cast<const char*>(data + 1), size - 1};
  check_server(header, settings);
  check_client(header, settings);
  return 0;
}
