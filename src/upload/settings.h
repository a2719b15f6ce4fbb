// What the configuration says about files; a value, replaced as a whole on SIGHUP.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/http_proxies.h"

namespace anser::upload {

struct Settings {
  std::uint64_t file_bytes = 100 << 20;  // of each file
  std::uint64_t form_bytes = 200 << 20;  // of a form
  std::size_t files_per_form = 20;
  std::size_t part_header_bytes = 4096;
  std::uint64_t quota_bytes = 1ull << 30;            // of each account; 0: no limit
  std::uint64_t anonymous_quota_bytes = 1ull << 30;  // of all without an account
  std::size_t files_per_account = 10'000;            // unfinished ones too; 0: no limit
  std::chrono::seconds keep_for{0};                  // a file; 0: for ever
  std::chrono::seconds unfinished_for{24 * 3600};
  std::chrono::seconds slot_lifetime{300};
  std::size_t at_once = 1024;  // uploads under way, on each core
  std::size_t at_once_per_account = 32;
  std::uint64_t slowest_bytes_per_second = 64;  // of a body, on average, once it has had `slow_grace`; 0: no limit
  std::chrono::seconds slow_grace{60};
  std::string charset = "GB18030";  // of names that are not UTF-8
  bool anonymous = false;
  bool password_without_tls = false;
  std::string host;                  // the only name that files are served under; "": any
  std::string address;               // what addresses begin with, "https://files.example.org"; "": as asked
  std::vector<std::string> origins;  // pages that may send files
  net::HttpProxies proxies;
};
using SharedSettings = std::shared_ptr<const Settings>;

}  // namespace anser::upload
