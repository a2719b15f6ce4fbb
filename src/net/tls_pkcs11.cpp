#define OPENSSL_SUPPRESS_DEPRECATED  // the ENGINE interface, see tls_pkcs11.h
#include "net/tls_pkcs11.h"

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/ui.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace anser::net {
namespace {

// What all shares are of. The lock is held while a token answers, but clients are made seldom.
struct Loaded {
  std::mutex mutex;
  std::size_t shares = 0;
  std::filesystem::path module;  // empty: none
  bool settled = false;          // it has given something, and stays
  ENGINE* engine = nullptr;
  UI_METHOD* dialogue = nullptr;

  Result<void> load();
  Result<void> start(const std::filesystem::path& wanted);
};

Loaded& loaded() {
  static Loaded& forever = *new Loaded;  // a client may live as long as the process
  return forever;
}

// Who has given no PIN is not asked for one on a terminal that may be somebody else's.
int refuse_to_ask(UI*, UI_STRING*) { return 0; }

bool command(ENGINE* engine, const char* name, const char* value) {
  return ENGINE_ctrl_cmd_string(engine, name, value, /*cmd_optional=*/0) == 1;
}

ENGINE* load_engine(UI_METHOD* dialogue) {
  ENGINE_load_dynamic();
  ENGINE* engine = ENGINE_by_id("dynamic");
  const char* folder = std::getenv("OPENSSL_ENGINES");
  if (!folder) folder = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
  if (engine && folder && command(engine, "ID", "pkcs11") && command(engine, "LIST_ADD", "0") &&
      command(engine, "DIR_LOAD", "2") && command(engine, "DIR_ADD", folder) && command(engine, "LOAD", nullptr) &&
      command(engine, "QUIET", nullptr) &&  // or it writes on the application's standard error
      ENGINE_ctrl_cmd(engine, "SET_USER_INTERFACE", 0, dialogue, nullptr, 0) == 1) {
    return engine;
  }
  if (engine) ENGINE_free(engine);
  return nullptr;
}

std::string uri_of(const std::string& name) {
  if (name.empty()) return "pkcs11:";
  if (name.starts_with("pkcs11:")) return name;
  constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string uri = "pkcs11:object=";
  for (const char c : name) {
    if (kUnreserved.find(c) != kUnreserved.npos) {
      uri += c;
    } else {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return uri;
}

// The key is named as its certificate, less what says that it is a certificate.
std::string key_uri_of(const TlsClientOptions::Pkcs11Identity& identity) {
  if (!identity.key.empty()) return uri_of(identity.key);
  std::string uri = uri_of(identity.certificate);
  constexpr std::string_view kType = "type=cert";
  const auto at = uri.find(kType);
  if (at != uri.npos) uri.replace(at, kType.size(), "type=private");
  return uri;
}

std::string called(const std::string& name) { return name.empty() ? std::string{} : fmt::format(" '{}'", name); }

Result<void> Loaded::load() {
  ERR_clear_error();
  if (!dialogue) dialogue = UI_create_method("no questions");
  if (!dialogue || UI_method_set_reader(dialogue, &refuse_to_ask) != 0) {
    return fail(Errc::internal, "no PKCS#11: {}", openssl_reason());
  }
  engine = load_engine(dialogue);
  ERR_clear_error();
  if (engine) return {};
  return fail(Errc::unsupported,
              "a certificate on a PKCS#11 token needs OpenSSL's engine for it (Debian's package "
              "libengine-pkcs11-openssl), which is not installed");
}

Result<void> Loaded::start(const std::filesystem::path& wanted) {
  if (!engine) {
    const auto loaded = load();
    if (!loaded) return loaded;
  }
  if (::access(wanted.c_str(), R_OK) != 0) {
    return fail(Errc::invalid_config, "cannot read the PKCS#11 module {}: {}", wanted.string(), std::strerror(errno));
  }
  if (!command(engine, "MODULE_PATH", wanted.c_str()) || ENGINE_init(engine) != 1) {
    return fail(Errc::invalid_config, "the PKCS#11 module {} cannot be used: {}", wanted.string(), openssl_reason());
  }
  module = wanted;
  return {};
}

}  // namespace

Result<std::unique_ptr<const Pkcs11>> Pkcs11::load(const std::filesystem::path& module) {
  Loaded& all = loaded();
  const std::lock_guard lock{all.mutex};
  if (all.module.empty()) {
    const auto started = all.start(module);
    if (!started) return pass(started);
  } else if (all.module != module) {
    return fail(Errc::conflict, "the PKCS#11 module {} is in use, and a process can have only one",
                all.module.string());
  }
  ++all.shares;
  return std::unique_ptr<const Pkcs11>{new Pkcs11};
}

Pkcs11::~Pkcs11() {
  Loaded& all = loaded();
  const std::lock_guard lock{all.mutex};
  if (--all.shares > 0 || all.settled) return;
  ENGINE_finish(all.engine);
  all.module.clear();
}

Result<Pkcs11::Found> Pkcs11::find(const TlsClientOptions::Pkcs11Identity& identity) const {
  Loaded& all = loaded();
  const std::lock_guard lock{all.mutex};
  ENGINE* engine = all.engine;
  const std::string certificate = uri_of(identity.certificate), key = key_uri_of(identity);
  ERR_clear_error();
  if (identity.pin && !command(engine, "PIN", identity.pin->c_str())) {
    return fail(Errc::invalid_config, "the PKCS#11 engine takes no PIN: {}", openssl_reason());
  }
  struct {
    const char* id;
    X509* certificate;
  } request{certificate.c_str(), nullptr};
  ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &request, nullptr, /*cmd_optional=*/1);
  Found found{X509Ptr{request.certificate}, {}};
  if (!found.certificate) {
    const std::string reason = openssl_reason();
    return fail(Errc::invalid_config, "the token behind {} shows no certificate{}: {}", identity.module.string(),
                called(identity.certificate), reason);
  }
  all.settled = true;
  found.key.reset(ENGINE_load_private_key(engine, key.c_str(), all.dialogue, nullptr));
  if (!found.key) {
    const std::string reason = openssl_reason();
    if (!identity.pin) {
      return fail(Errc::invalid_config, "the token behind {} gives no key{} without a PIN: {}",
                  identity.module.string(), called(identity.key), reason);
    }
    return fail(Errc::invalid_config,
                "the token behind {} gives no key{}: {} (is the PIN right, and the token named if there are several?)",
                identity.module.string(), called(identity.key), reason);
  }
  return found;
}

}  // namespace anser::net
