#define OPENSSL_SUPPRESS_DEPRECATED  // the ENGINE interface, see tls_pkcs11.h
#include "net/tls_pkcs11.h"

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/ui.h>

#include <cstdlib>

namespace anser::net {
namespace {

ENGINE* engine_in(void* engine) { return static_cast<ENGINE*>(engine); }

// Who has given no PIN is not asked for one on a terminal that may be somebody else's.
int refuse_to_ask(UI*, UI_STRING*) { return 0; }

bool command(ENGINE* engine, const char* name, const char* value) {
  return ENGINE_ctrl_cmd_string(engine, name, value, /*cmd_optional=*/0) == 1;
}

// An engine of our own: the one that OpenSSL keeps in its list has room for one module only.
ENGINE* load_engine() {
  ENGINE_load_dynamic();
  ENGINE* engine = ENGINE_by_id("dynamic");
  const char* folder = std::getenv("OPENSSL_ENGINES");
  if (!folder) folder = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
  if (engine && folder && command(engine, "ID", "pkcs11") && command(engine, "LIST_ADD", "0") &&
      command(engine, "DIR_LOAD", "2") && command(engine, "DIR_ADD", folder) && command(engine, "LOAD", nullptr)) {
    return engine;
  }
  if (engine) ENGINE_free(engine);
  return nullptr;
}

std::string uri_of(const std::string& name) {
  if (name.empty() || name.starts_with("pkcs11:")) return name;
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

}  // namespace

Result<std::unique_ptr<Pkcs11>> Pkcs11::load(const TlsClientOptions::Pkcs11Identity& identity) {
  ERR_clear_error();
  std::unique_ptr<Pkcs11> loaded{new Pkcs11};
  ENGINE* engine = load_engine();
  loaded->engine_ = engine;
  if (!engine) {
    ERR_clear_error();
    return fail(Errc::unsupported,
                "a certificate on a PKCS#11 token needs OpenSSL's engine for it (Debian's package "
                "libengine-pkcs11-openssl), which is not installed");
  }
  UI_METHOD* dialogue = UI_create_method("no questions");
  loaded->dialogue_ = dialogue;
  if (!dialogue || UI_method_set_reader(dialogue, &refuse_to_ask) != 0) {
    return fail(Errc::internal, "no PKCS#11: {}", openssl_reason());
  }
  const bool set_up = command(engine, "MODULE_PATH", identity.module.c_str()) &&
                      (!identity.pin || command(engine, "PIN", identity.pin->c_str())) &&
                      ENGINE_ctrl_cmd(engine, "SET_USER_INTERFACE", 0, dialogue, nullptr, 0) == 1;
  loaded->started_ = set_up && ENGINE_init(engine) == 1;
  if (!loaded->started_) {
    return fail(Errc::invalid_config, "the PKCS#11 module {} cannot be used: {}", identity.module.string(),
                openssl_reason());
  }
  return loaded;
}

Pkcs11::~Pkcs11() {
  if (started_) ENGINE_finish(engine_in(engine_));
  if (engine_) ENGINE_free(engine_in(engine_));
  if (dialogue_) UI_destroy_method(static_cast<UI_METHOD*>(dialogue_));
}

Result<Pkcs11::Found> Pkcs11::find(const TlsClientOptions::Pkcs11Identity& identity) const {
  ENGINE* engine = engine_in(engine_);
  const std::string certificate = uri_of(identity.certificate), key = key_uri_of(identity);
  ERR_clear_error();
  struct {
    const char* id;
    X509* certificate;
  } request{certificate.empty() ? nullptr : certificate.c_str(), nullptr};
  ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &request, nullptr, /*cmd_optional=*/1);
  Found found{X509Ptr{request.certificate}, {}};
  if (!found.certificate) {
    const std::string reason = openssl_reason();
    return fail(Errc::invalid_config, "the token behind {} shows no certificate{}: {}", identity.module.string(),
                called(identity.certificate), reason);
  }
  found.key.reset(ENGINE_load_private_key(engine, key.empty() ? nullptr : key.c_str(),
                                          static_cast<UI_METHOD*>(dialogue_), nullptr));
  if (!found.key) {
    const std::string reason = openssl_reason();
    if (!identity.pin) {
      return fail(Errc::invalid_config, "the token behind {} gives no key{} without a PIN: {}",
                  identity.module.string(), called(identity.key), reason);
    }
    return fail(Errc::invalid_config, "the token behind {} gives no key{}; is the PIN right? ({})",
                identity.module.string(), called(identity.key), reason);
  }
  return found;
}

}  // namespace anser::net
