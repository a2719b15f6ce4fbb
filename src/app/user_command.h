// `anser user …`: what an operator does to accounts, as words on a terminal. It speaks to an AccountAdmin, so it does
// not know whether a server runs. Results go to `out`, one sentence for each thing that failed comes back as the error.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "app/account_admin.h"
#include "base/result.h"
#include "domain/hosts.h"

namespace anser::app {

// Where a command reads and writes. Tests put streams of their own here.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<Result<std::string>(std::string_view question)> ask;  // without showing the answer
};

class UserCommand {
 public:
  UserCommand(AccountAdmin& admin, const domain::Hosts& hosts, Console console)
      : admin_(admin), hosts_(hosts), console_(std::move(console)) {}

  // The password comes from standard input's first line if `from_stdin`, else it is asked for, twice.
  Result<void> add(std::string_view name, bool from_stdin);
  Result<void> set_password(std::string_view name, bool from_stdin);
  // `name password` on each line of standard input; a line that fails does not stop the others.
  Result<void> add_batch();
  Result<void> remove(std::string_view name);
  Result<void> list(std::string_view host, bool json);  // an empty host: all of them
  Result<void> show(std::string_view name, bool json);

 private:
  struct Batch;
  void add_chunk(Batch& batch);

  AccountAdmin& admin_;
  const domain::Hosts& hosts_;
  Console console_;
};

// NAME or NAME@HOST, where HOST is one of ours or an alias; without it the first. Errc::jid_malformed, not_found.
Result<core::Jid> account_address(std::string_view name, const domain::Hosts& hosts);

// One line of a batch: the name, white space, and the password to the end of the line. Errc::bad_request.
Result<NewAccount> parse_batch_line(std::string_view line, const domain::Hosts& hosts);

}  // namespace anser::app
