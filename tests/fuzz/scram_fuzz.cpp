// SCRAM from strangers, on both sides. The first octet picks the mechanism and the side, the rest are up to two
// messages with a line feed in between. Nothing crashes, and nobody gets in who does not know the password.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/precis.h"
#include "core/scram.h"

namespace {

using namespace anser;
using core::Hash;

constexpr core::ScramMechanism kMechanisms[] = {{Hash::sha1, false},  {Hash::sha1, true},    {Hash::sha256, false},
                                                {Hash::sha256, true}, {Hash::sha512, false}, {Hash::sha512, true}};

void at_the_server(core::ScramMechanism mechanism, bool plus_offered, std::string_view first, std::string_view final) {
  core::ScramServer server{{.mechanism = mechanism,
                            .bindings = {{"tls-exporter", "octets of the exporter"}, {"tls-unique", "finished"}},
                            .plus_offered = plus_offered,
                            .downgrade_text = core::downgrade_text({"PLAIN", "SCRAM-SHA-1"}),
                            .nonce = "server"}};
  const auto parsed = server.parse(first);
  if (!parsed) return;
  ANSER_ASSERT(core::username_case_mapped(parsed->username) == parsed->username);
  const std::string challenge = server.challenge(core::fake_keys(mechanism.hash, "secret", parsed->username));
  ANSER_ASSERT(challenge.starts_with("r="));
  ANSER_ASSERT(!server.finish(final));
}

// A client that has said its first word. Its bounds keep every derivation away.
void at_the_client(core::ScramMechanism mechanism, std::string_view challenge) {
  core::ScramClient client{{.mechanism = mechanism,
                            .username = "user",
                            .password = "pencil",
                            .binding_type = mechanism.plus ? "tls-exporter" : "",
                            .binding_data = "octets of the exporter",
                            .downgrade_text = "SCRAM-SHA-1",
                            .max_iterations = 0,
                            .nonce = "abc"}};
  ANSER_ASSERT(client.first());
  ANSER_ASSERT(!client.respond(challenge));
}

// A client that waits for the server's signature; made once, because it cost a derivation.
void at_the_waiting_client(std::string_view final) {
  static const core::ScramClient waiting = [] {
    core::ScramClient client{
        {.mechanism = {Hash::sha1, false}, .username = "user", .password = "pencil", .nonce = "abc"}};
    ANSER_ASSERT(client.first());
    ANSER_ASSERT(client.respond("r=abcd,s=QUJD,i=4096"));
    return client;
  }();
  core::ScramClient client = waiting;
  ANSER_ASSERT(!client.verify(final));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 1), size - 1};
  const std::size_t line = text.find('\n');
  const std::string_view one = text.substr(0, line);
  const std::string_view two = line == text.npos ? std::string_view{} : text.substr(line + 1);
  const core::ScramMechanism mechanism = kMechanisms[data[0] % std::size(kMechanisms)];

  switch (data[0] / 64) {
    case 0:
    case 1:
      at_the_server(mechanism, data[0] / 64 == 1, one, two);
      break;
    case 2:
      at_the_client(mechanism, one);
      break;
    default:
      at_the_waiting_client(one);
  }
  return 0;
}
