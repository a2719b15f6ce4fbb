// Sends a file through its server's upload service and fetches it again; says where it was and how it went.
// tests/sdk/test_files.py compares.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sdk/program.h"

namespace anser::tests {
namespace {

// To another port of this machine: a proxy of the test's stands between.
sdk::Result<int> connect_to(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return made;
  ::close(made);
  return tl::make_unexpected(sdk::Error{sdk::Errc::io, "nobody is there"});
}

void run(const Arguments& given) {
  auto configuration = configuration_from(given);
  if (given.has("via")) {
    configuration.socket_factory = [from = given.number("https-port"), to = given.number("via")](const std::string&,
                                                                                                 std::uint16_t port) {
      return connect_to(port == from ? static_cast<std::uint16_t>(to) : port);
    };
  }
  sdk::Connection connection{configuration};
  must(connection.connect(), "connect");
  must(connection.login(given.text("user"), given.text("password")), "login");
  auto& files = connection.file_transfers();

  const auto service = must(files.service(), "service");
  say("service", service.address);
  say("max_file_size", service.max_file_size.value_or(0));
  for (const auto& purpose : service.purposes) say("purpose", purpose);

  std::uint64_t last = 0;
  int back = 0;
  sdk::Upload upload{.path = given.text("upload"), .name = given.text("name", ""), .type = given.text("type", "")};
  upload.limits.wait_base = std::chrono::milliseconds{1};
  upload.progress = [&](const sdk::TransferProgress& so_far) {
    if (so_far.done == 0 && last > 0) ++back;  // it began anew
    last = so_far.done;
  };
  const auto sent = files.upload(upload);
  say("uploaded", outcome_of(sent));
  say("upload_progress", last);
  say("upload_anew", back);
  if (!sent) {
    say("why", sent.error().message);
    return;
  }
  say("url", sent->url);

  last = 0;
  sdk::Download download{.url = sent->url, .path = given.text("download")};
  download.limits.wait_base = std::chrono::milliseconds{1};
  download.progress = [&](const sdk::TransferProgress& so_far) { last = so_far.done; };
  const auto got = files.download(download);
  say("downloaded", outcome_of(got));
  say("download_progress", last);
  if (!got) say("why", got.error().message);
  if (got) say("type", got->type);

  download.url.insert(download.url.rfind('/'), "x");  // nobody can guess an address
  download.path += ".none";
  say("guessed", outcome_of(files.download(download)));
  connection.disconnect();
}

}  // namespace
}  // namespace anser::tests

int main(int count, char** words) { return anser::tests::run_program(count, words, anser::tests::run); }
