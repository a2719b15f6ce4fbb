// The files that users have sent, apart from the ways they come and go: the vault and its settings, what becomes of
// them when their account goes, and their sweeping. Made on the main thread before the loops start; outlives the doors.
#pragma once

#include <memory>
#include <mutex>
#include <set>

#include "app/config.h"
#include "domain/mail.h"
#include "net/cores.h"
#include "net/timers.h"
#include "net/workers.h"
#include "store/open.h"
#include "upload/vault.h"

namespace anser::app {

class FileKeeper {
 public:
  // `cores` must have ended before this does.
  FileKeeper(const store::Stores& stores, net::Cores& cores, net::Workers& workers, const Clock& clock,
             const Config& config);

  upload::Vault& vault() { return vault_; }
  // As of now; any thread.
  upload::SharedSettings settings();
  void reload(const Config& config);

  // Of accounts that went while their files could not: whoever takes such a name finds none. Before anybody is served.
  Result<void> forget_files_of_nobody();
  // On core 0, every letter: an account that goes is announced on every core. If its files cannot go now, they do
  // within the hour, or at the next start.
  void hear(const domain::Mail& mail);
  // On core 0, once.
  void sweep_hourly();

 private:
  void sweep();
  void forget(bool again);

  const store::Stores& stores_;
  net::Cores& cores_;
  net::Workers& workers_;
  std::mutex mutex_;                 // guards these two
  upload::SharedSettings settings_;  // read by every request, written by SIGHUP
  std::set<core::Jid> gone_;         // accounts whose files are still there
  upload::Vault vault_;
  net::Alarm alarm_;  // on core 0
};

}  // namespace anser::app
