#include "codec/permessage_deflate.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"

namespace anser::codec {
namespace {

constexpr std::string_view kExtension = "permessage-deflate";
constexpr std::string_view kServerNoContext = "server_no_context_takeover";
constexpr std::string_view kClientNoContext = "client_no_context_takeover";
constexpr std::string_view kServerWindow = "server_max_window_bits";
constexpr std::string_view kClientWindow = "client_max_window_bits";

// An offer, or an answer, of this extension.
struct Parameters {
  bool server_no_context = false;
  bool client_no_context = false;
  std::optional<int> server_window;
  bool has_client_window = false;
  std::optional<int> client_window;
};

struct Parameter {
  std::string name;
  std::optional<std::string> value;
};

struct Extension {
  std::string name;
  std::vector<Parameter> parameters;
};

// RFC 7230 §3.2.6.
bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos);
}

// The grammar of RFC 6455 §9.1; like every list in HTTP, this one may have empty elements. The header is as long as
// HTTP lets it be, and so bounded.
//
//   list      = extension *("," extension)
//   extension = token *(";" parameter)
//   parameter = token ["=" (token | quoted-string)]       what was quoted is a token, too
class ExtensionParser {
 public:
  explicit ExtensionParser(std::string_view header) : rest_(header) {}

  std::optional<std::vector<Extension>> list() {
    std::vector<Extension> extensions;
    for (;;) {
      while (take(',')) {
      }
      if (rest_.empty()) return extensions;
      auto extension = this->extension();
      if (!extension) return std::nullopt;
      extensions.push_back(std::move(*extension));
      if (!rest_.empty() && rest_.front() != ',') return std::nullopt;
    }
  }

 private:
  std::optional<Extension> extension() {
    Extension extension{token(), {}};
    if (extension.name.empty()) return std::nullopt;
    while (take(';')) {
      Parameter parameter{token(), std::nullopt};
      if (parameter.name.empty()) return std::nullopt;
      if (take('=')) {
        parameter.value = !rest_.empty() && rest_.front() == '"' ? quoted() : token();
        if (parameter.value->empty()) return std::nullopt;
      }
      extension.parameters.push_back(std::move(parameter));
    }
    return extension;
  }

  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }

  bool take(char separator) {
    skip_space();
    if (rest_.empty() || rest_.front() != separator) return false;
    rest_.remove_prefix(1);
    skip_space();
    return true;
  }

  // Empty when there is none.
  std::string token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_character);
    std::string text(rest_.begin(), end);
    rest_.remove_prefix(text.size());
    skip_space();
    return text;
  }

  // Empty when what it says is no token, or it does not end.
  std::string quoted() {
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || !is_token_character(rest_.front())) return {};
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return {};
    rest_.remove_prefix(1);
    skip_space();
    return text;
  }

  std::string_view rest_;
};

// 8 to 15, without leading zeros.
std::optional<int> window_bits(std::string_view text) {
  if (text == "8" || text == "9") return text.front() - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') return 10 + (text[1] - '0');
  return std::nullopt;
}

bool set_flag(bool& flag, const Parameter& parameter) {
  if (flag || parameter.value) return false;
  return flag = true;
}

bool set_window(std::optional<int>& window, const Parameter& parameter) {
  if (window || !parameter.value) return false;
  window = window_bits(*parameter.value);
  return window.has_value();
}

// Nothing for an unknown parameter, one that is there twice, or one with a value that it may not have.
std::optional<Parameters> read_parameters(const Extension& extension) {
  Parameters all;
  const auto read = [&all](const Parameter& parameter) {
    if (parameter.name == kServerNoContext) return set_flag(all.server_no_context, parameter);
    if (parameter.name == kClientNoContext) return set_flag(all.client_no_context, parameter);
    if (parameter.name == kServerWindow) return set_window(all.server_window, parameter);
    if (parameter.name != kClientWindow || all.has_client_window) return false;
    all.has_client_window = true;
    return !parameter.value || set_window(all.client_window, parameter);
  };
  if (!std::ranges::all_of(extension.parameters, read)) return std::nullopt;
  return all;
}

void check_settings(const DeflateSettings& settings) {
  ANSER_ASSERT(settings.server_max_window_bits >= kLeastWindowBits &&
               settings.server_max_window_bits <= kMostWindowBits);
  ANSER_ASSERT(settings.client_max_window_bits >= kLeastWindowBits &&
               settings.client_max_window_bits <= kMostWindowBits);
}

std::string written(const Parameters& parameters) {
  std::string text{kExtension};
  const auto put = [&text](std::string_view name) { text.append("; ").append(name); };
  const auto put_window = [&](std::string_view name, std::optional<int> bits) {
    put(name);
    if (bits) text.append("=").append(std::to_string(*bits));
  };
  if (parameters.server_no_context) put(kServerNoContext);
  if (parameters.client_no_context) put(kClientNoContext);
  if (parameters.server_window) put_window(kServerWindow, parameters.server_window);
  if (parameters.has_client_window) put_window(kClientWindow, parameters.client_window);
  return text;
}

DeflateAgreement agreement_of(const Parameters& parameters) {
  return {.server_no_context_takeover = parameters.server_no_context,
          .client_no_context_takeover = parameters.client_no_context,
          .server_window_bits = static_cast<std::uint8_t>(parameters.server_window.value_or(kMostWindowBits)),
          .client_window_bits = static_cast<std::uint8_t>(parameters.client_window.value_or(kMostWindowBits))};
}

// What the client must allow for is in the offer; what only the server wants may be added, but for the client's window.
Parameters answer_to(const Parameters& offer, const DeflateSettings& settings) {
  Parameters answer;
  answer.server_no_context = offer.server_no_context || settings.server_no_context_takeover;
  answer.client_no_context = offer.client_no_context || settings.client_no_context_takeover;
  const int server_window = std::min(offer.server_window.value_or(kMostWindowBits), settings.server_max_window_bits);
  if (offer.server_window || server_window < kMostWindowBits) answer.server_window = server_window;
  if (offer.has_client_window) {
    const int client_window = std::min(offer.client_window.value_or(kMostWindowBits), settings.client_max_window_bits);
    answer.has_client_window = client_window < kMostWindowBits;
    if (answer.has_client_window) answer.client_window = client_window;
  }
  return answer;
}

Parameters offer_of(const DeflateSettings& settings) {
  Parameters offer;
  offer.server_no_context = settings.server_no_context_takeover;
  offer.client_no_context = settings.client_no_context_takeover;
  if (settings.server_max_window_bits < kMostWindowBits) offer.server_window = settings.server_max_window_bits;
  offer.has_client_window = true;
  if (settings.client_max_window_bits < kMostWindowBits) offer.client_window = settings.client_max_window_bits;
  return offer;
}

}  // namespace

DeflateDirection sent_by(WebSocketRole role, const DeflateAgreement& agreement) {
  if (role == WebSocketRole::server) return {agreement.server_window_bits, !agreement.server_no_context_takeover};
  return {agreement.client_window_bits, !agreement.client_no_context_takeover};
}

Result<std::optional<DeflateAnswer>> answer_deflate_offers(std::string_view offers, const DeflateSettings& settings) {
  check_settings(settings);
  const auto extensions = ExtensionParser{offers}.list();
  if (!extensions) return fail(Errc::bad_request, "Sec-WebSocket-Extensions is malformed");
  for (const Extension& extension : *extensions) {
    if (extension.name != kExtension) continue;
    const auto offer = read_parameters(extension);
    if (!offer) continue;
    const Parameters answer = answer_to(*offer, settings);
    return DeflateAnswer{agreement_of(answer), written(answer)};
  }
  return std::nullopt;
}

std::string deflate_offer(const DeflateSettings& settings) {
  check_settings(settings);
  return written(offer_of(settings));
}

Result<std::optional<DeflateAgreement>> accept_deflate_answer(std::string_view answer, const DeflateSettings& offered) {
  check_settings(offered);
  const auto extensions = ExtensionParser{answer}.list();
  if (!extensions) return fail(Errc::bad_request, "Sec-WebSocket-Extensions is malformed");
  if (extensions->empty()) return std::nullopt;
  if (extensions->size() > 1 || extensions->front().name != kExtension) {
    return fail(Errc::bad_request, "the server chose a WebSocket extension that was not offered");
  }
  const auto parameters = read_parameters(extensions->front());
  if (!parameters || (parameters->has_client_window && !parameters->client_window)) {
    return fail(Errc::bad_request, "the server's parameters of permessage-deflate are wrong");
  }
  DeflateAgreement agreement = agreement_of(*parameters);
  if (offered.server_no_context_takeover && !agreement.server_no_context_takeover) {
    return fail(Errc::bad_request, "the server would take its compression context over, which was not offered");
  }
  if (agreement.server_window_bits > offered.server_max_window_bits) {
    return fail(Errc::bad_request, "the server would compress with a larger window than was offered");
  }
  // What the offer said that we do not do, we do not do, whether the server took it up or not.
  agreement.client_no_context_takeover |= offered.client_no_context_takeover;
  agreement.client_window_bits =
      static_cast<std::uint8_t>(std::min<int>(agreement.client_window_bits, offered.client_max_window_bits));
  return agreement;
}

}  // namespace anser::codec
