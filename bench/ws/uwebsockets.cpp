// The smallest server that uWebSockets makes: text goes back as it came, a binary message to everybody by its own
// publish(). The library is the native half of `socketify` (PyPI), found at run time and spoken to through its C face:
// so no Python runs. It comes with libuv as its loop, where uWebSockets' own choice on Linux is epoll.
//   uwebsockets LIBRARY PORT [CERTIFICATE KEY]
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

// As libsocketify declares them.
struct App;
struct Socket;
struct Listener;
struct TlsFiles {
  const char* key;
  const char* certificate;
  const char* passphrase;
  const char* dh_parameters;
  const char* authorities;
  const char* ciphers;
  int prefer_low_memory;
};
struct ListenConfig {
  int port;
  const char* host;
  int options;
};
enum Opcode : unsigned { kText = 1, kBinary = 2 };
struct Behavior {
  unsigned compression = 0;  // none
  unsigned max_payload = 64 * 1024;
  unsigned short idle_timeout = 120;
  unsigned max_backpressure = 16 * 1024 * 1024;
  bool close_on_backpressure = false;
  bool reset_idle_on_send = true;
  bool send_pings = true;
  unsigned short max_lifetime = 0;
  void* upgrade = nullptr;
  void (*open)(Socket*, void*) = nullptr;
  void (*message)(Socket*, const char*, std::size_t, Opcode, void*) = nullptr;
  void* drain = nullptr;
  void* ping = nullptr;
  void* pong = nullptr;
  void* close = nullptr;
  void* subscription = nullptr;
};

struct Library {
  App* (*create)(int tls, TlsFiles files);
  void (*ws)(int tls, App*, const char* pattern, Behavior, void* user);
  void (*listen)(int tls, App*, ListenConfig, void (*)(Listener*, ListenConfig, void*), void* user);
  void (*run)(int tls, App*);
  int (*send)(int tls, Socket*, const char*, std::size_t, Opcode);
  bool (*subscribe)(int tls, Socket*, const char* topic, std::size_t);
  bool (*publish)(int tls, App*, const char* topic, std::size_t, const char*, std::size_t, Opcode, bool compress);
};

constexpr std::string_view kTopic = "all";
Library lib;
App* app = nullptr;
int tls = 0;

template <class Function>
void find(void* handle, const char* name, Function& into) {
  into = reinterpret_cast<Function>(dlsym(handle, name));
  if (into) return;
  std::fprintf(stderr, "the library has no %s\n", name);
  std::exit(1);
}

void on_open(Socket* socket, void*) { lib.subscribe(tls, socket, kTopic.data(), kTopic.size()); }

void on_message(Socket* socket, const char* message, std::size_t size, Opcode opcode, void*) {
  if (opcode == kText) {
    lib.send(tls, socket, message, size, opcode);
  } else {
    lib.publish(tls, app, kTopic.data(), kTopic.size(), message, size, opcode, false);
  }
}

void on_listen(Listener* listener, ListenConfig, void*) {
  if (listener) return;
  std::fprintf(stderr, "the port is taken\n");
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) return 2;
  void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  find(handle, "uws_create_app", lib.create);
  find(handle, "uws_ws", lib.ws);
  find(handle, "uws_app_listen_with_config", lib.listen);
  find(handle, "uws_app_run", lib.run);
  find(handle, "uws_ws_send", lib.send);
  find(handle, "uws_ws_subscribe", lib.subscribe);
  find(handle, "uws_publish", lib.publish);

  tls = argc == 5 ? 1 : 0;
  TlsFiles files{};
  if (tls) {
    files.certificate = argv[3];
    files.key = argv[4];
    files.prefer_low_memory = 1;
  }
  app = lib.create(tls, files);
  Behavior behavior;
  behavior.open = on_open;
  behavior.message = on_message;
  lib.ws(tls, app, "/*", behavior, nullptr);
  lib.listen(tls, app, {std::atoi(argv[2]), "127.0.0.1", 0}, on_listen, nullptr);
  lib.run(tls, app);
}
