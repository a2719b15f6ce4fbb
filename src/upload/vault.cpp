#include "upload/vault.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "core/crypto.h"
#include "core/random.h"
#include "upload/claims.h"
#include "upload/keeping.h"

namespace anser::upload {
namespace {

using domain::FileRecord;
using domain::UploadRecord;
using net::Task;

constexpr std::size_t kIdChars = 32;
constexpr std::uint64_t kHoldStep = 16 << 20;  // of an upload whose length nobody knows
constexpr std::size_t kCopied = 256 * 1024;    // at once
constexpr std::size_t kCopiesOfAJob = 32;      // then other work has its turn

// Too much to do is no fault of the caller, whose quota `resource_limit` means here.
Error told(Error error) {
  if (error.code == Errc::resource_limit) error.code = Errc::queue_full;
  return error;
}
template <class T>
Result<T> told(Result<T> result) {
  if (!result) return tl::make_unexpected(told(std::move(result.error())));
  return result;
}

Error too_large(std::uint64_t limit) {
  return {Errc::policy_violation, fmt::format("a file may have {} bytes", limit)};
}

}  // namespace

// On the core of its request.
struct OpenUpload::State {
  Claims::Claim claim;
  UploadRecord record;
  std::uint64_t offset = 0;
  bool recorded = false;        // files.db has it: it stays when this goes
  bool done = false;            // whole, or removed
  std::uint64_t confirmed = 0;  // bytes that the record knows of
  std::string removal_key = {};
  std::shared_ptr<Claims::Listener> listener = std::make_shared<Claims::Listener>();
  Vault::Impl* vault = nullptr;

  // Of the owner's quota, beyond what files.db says.
  void hold(std::uint64_t all) { claim.hold(recorded ? all - std::min(all, record.held) : all); }
  std::uint64_t held() const { return claim.held() + (recorded ? record.held : 0); }
};

struct Vault::Impl {
  Impl(domain::FileIndex& index, domain::FileContent& content, net::Workers& workers, const Clock& clock,
       std::function<SharedSettings()> settings)
      : index(index),
        content(content),
        workers(workers),
        clock(clock),
        settings(std::move(settings)),
        keeping(index, content, clock, claims) {}

  Claims::Limits limits() const {
    const auto now = settings();
    return {now->at_once, now->at_once_per_account};
  }
  std::uint64_t quota_of(const core::Jid& owner) const {
    const auto now = settings();
    return owner.empty() ? now->anonymous_quota_bytes : now->quota_bytes;
  }
  Time upload_end() const { return clock.now() + settings()->unfinished_for; }
  Time file_end(Time asked) const {
    const auto keep = settings()->keep_for;
    if (keep.count() == 0) return asked;
    const Time configured = clock.now() + keep;
    return asked == Time{} ? configured : std::min(asked, configured);
  }

  Result<void> within_quota(const core::Jid& owner, const domain::FileUse& use) const;
  Task<Result<void>> hold_more(OpenUpload::State& upload, std::uint64_t all);
  void let_go(OpenUpload::State& upload) noexcept;
  Result<FileRecord> file_of(const OpenUpload::State& upload) const;
  static void became_file(OpenUpload::State& upload);

  domain::FileIndex& index;
  domain::FileContent& content;
  net::Workers& workers;
  const Clock& clock;
  const std::function<SharedSettings()> settings;
  Claims claims;
  Keeping keeping;
};

// ---- OpenUpload -----------------------------------------------------------------------------------------------------

OpenUpload::OpenUpload(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenUpload::OpenUpload(OpenUpload&&) noexcept = default;
OpenUpload& OpenUpload::operator=(OpenUpload&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
OpenUpload::~OpenUpload() {
  if (state_) state_->vault->let_go(*state_);
}

const UploadRecord& OpenUpload::record() const { return state_->record; }
std::uint64_t OpenUpload::offset() const { return state_->offset; }
void OpenUpload::on_unwanted(std::function<void()> stop) {
  if (unwanted()) {
    if (stop) stop();
  } else {
    state_->listener->stop = std::move(stop);
  }
}
bool OpenUpload::unwanted() const { return state_->listener->unwanted; }
const std::string& OpenUpload::removal_key() const { return state_->removal_key; }

// The claim goes with the work, so that nobody has the upload before it is done. Work that is not taken: the sweep
// finds the bytes that nobody knows, and the record stays as it was.
void Vault::Impl::let_go(OpenUpload::State& upload) noexcept {
  upload.listener->stop = {};
  const bool moved = upload.recorded && upload.offset != upload.confirmed;
  if (upload.done || (upload.recorded && !moved)) return;
  struct Last {
    Claims::Claim claim;
    UploadRecord record;
  };
  auto last = std::make_shared<Last>(Last{std::move(upload.claim), std::move(upload.record)});
  last->record.expires = upload_end();
  if (!last->record.length) last->record.held = std::max(last->record.held, upload.offset);
  const bool keep = upload.recorded;
  static_cast<void>(workers.submit([this, last, keep] {
    const auto done = keep ? index.update_upload(last->record) : content.discard(last->record.id);
    if (!keep) keeping.remove_content(last->record.id);  // it was to become a file with others
    if (!done && done.error().code != Errc::not_found)
      log::warn("upload", "an upload that has stopped: {}", done.error().message);
    last->claim.release();
  }));
}

// ---- quotas ---------------------------------------------------------------------------------------------------------

// What is held already counts, so of two that come at once both see each other.
Result<void> Vault::Impl::within_quota(const core::Jid& owner, const domain::FileUse& use) const {
  const std::uint64_t quota = quota_of(owner);
  const std::uint64_t all = use.bytes + claims.held_by(owner.full());
  if (quota == 0 || all <= quota) return {};
  if (owner.empty()) return fail(Errc::resource_limit, "there is no room for more files of people without an account");
  return fail(Errc::resource_limit, "your files would have {} bytes and may have {}", all, quota);
}

// Errc::resource_limit: and nothing more is held than before.
Task<Result<void>> Vault::Impl::hold_more(OpenUpload::State& upload, std::uint64_t all) {
  const std::uint64_t before = upload.held();
  if (all <= before) co_return Result<void>{};
  upload.hold(all);
  if (quota_of(upload.record.owner) == 0) co_return Result<void>{};
  auto ask = [this, owner = upload.record.owner] { return index.use_of(owner, clock.now()); };
  auto asking = net::run_on(workers, std::move(ask));
  auto use = co_await std::move(asking);
  Result<void> fits = use ? within_quota(upload.record.owner, *use) : tl::make_unexpected(told(use.error()));
  if (!fits) upload.hold(before);
  co_return fits;
}

// ---- Vault ----------------------------------------------------------------------------------------------------------

Vault::Vault(domain::FileIndex& index, domain::FileContent& content, net::Workers& workers, const Clock& clock,
             std::function<SharedSettings()> settings)
    : impl_(std::make_unique<Impl>(index, content, workers, clock, std::move(settings))) {}
Vault::~Vault() = default;

Task<Result<OpenUpload>> Vault::begin(NewUpload upload) {
  const net::Executor executor = co_await boost::asio::this_coro::executor;
  auto& core = net::Core::of(executor.context());
  const auto settings = impl_->settings();
  const std::uint64_t length = upload.length.value_or(0);
  if (length > settings->file_bytes) co_return tl::make_unexpected(too_large(settings->file_bytes));

  const bool slot = !upload.id.empty();
  auto state = std::make_unique<OpenUpload::State>();
  state->vault = impl_.get();
  auto& record = state->record;
  record.id = slot ? std::move(upload.id) : core::random_id(kIdChars);
  auto claim = impl_->claims.take(record.id, upload.owner.full(), core, impl_->limits());
  if (!claim) co_return pass(claim);
  state->claim = std::move(*claim);
  state->claim.listen(state->listener);
  record.owner = std::move(upload.owner);
  record.name = std::move(upload.name);
  record.type = std::move(upload.type);
  record.metadata = std::move(upload.metadata);
  record.length = upload.length;
  record.partial = upload.partial;
  record.expires = impl_->upload_end();
  record.file_expires = upload.file_expires;
  if (record.owner.empty()) {
    state->removal_key = core::random_id(kIdChars);
    record.removal = core::digest(core::Hash::sha256, state->removal_key);
  }

  // Held in memory first, so that whoever comes meanwhile sees it; then in the record, if there is one.
  state->hold(length);
  const bool limited = impl_->quota_of(record.owner) != 0 || settings->files_per_account != 0;
  record.held = length;
  struct Job {
    Impl& vault;
    UploadRecord record;
    bool slot, limited, resumable;
    std::size_t most_files;
    Result<void> run() const {
      if (slot) {
        const auto file = vault.index.find_file(record.id);
        if (!file) return tl::make_unexpected(told(file.error()));
        const auto begun = vault.index.has_upload(record.id);
        if (!begun) return tl::make_unexpected(told(begun.error()));
        if (*file || *begun) return fail(Errc::conflict, "this slot has been used");
        // What a crash may have left of a request for this slot.
        if (auto gone = vault.content.discard(record.id); !gone) return gone;
      }
      if (limited) {
        const auto use = vault.index.use_of(record.owner, vault.clock.now());
        if (!use) return tl::make_unexpected(told(use.error()));
        if (most_files != 0 && use->files + use->unfinished >= most_files)
          return fail(Errc::forbidden, "{} files are there, and there may be no more", use->files + use->unfinished);
        if (auto fits = vault.within_quota(record.owner, *use); !fits)
          return tl::make_unexpected(Error{Errc::not_allowed, fits.error().message});
      }
      if (auto made = vault.content.create(record.id); !made) return made;
      if (!resumable) return {};
      auto begun = vault.index.begin_upload(record);
      if (!begun) static_cast<void>(vault.content.discard(record.id));
      return begun;
    }
  };
  auto job = std::make_shared<Job>(Job{*impl_, record, slot, limited, upload.resumable, settings->files_per_account});
  auto work = [job] { return job->run(); };
  auto working = net::run_on(impl_->workers, std::move(work));
  Result<void> begun = co_await std::move(working);
  if (!begun) {
    state->claim.release();
    if (begun.error().code == Errc::not_allowed) co_return fail(Errc::resource_limit, "{}", begun.error().message);
    co_return tl::make_unexpected(told(begun.error()));
  }
  state->recorded = upload.resumable;
  state->hold(length);
  co_return OpenUpload{std::move(state)};
}

Task<Result<OpenUpload>> Vault::open(std::string id, May may) {
  // Who may not have it must not disturb who has, so it is looked at first; and again afterwards, for it may have
  // ended.
  struct Found {
    UploadRecord record;
    std::uint64_t offset = 0;
  };
  auto look = [this, id, may = std::move(may)]() -> Result<Found> {
    const auto nothing = [] { return fail(Errc::not_found, "there is no such upload, or it has ended"); };
    auto record = impl_->index.find_upload(id);
    if (!record) return pass(record);
    if (!*record || (*record)->expires <= impl_->clock.now()) return nothing();
    if (!may(**record)) return fail(Errc::not_authorized, "that upload is somebody else's");
    if ((*record)->whole) return Found{**record, (*record)->length.value_or(0)};
    const auto size = impl_->content.size(id);
    if (!size && size.error().code == Errc::not_found) return nothing();
    if (!size) return pass(size);
    return Found{std::move(**record), *size};
  };
  auto again = look;
  auto looking = net::run_on(impl_->workers, std::move(look));
  auto found = co_await std::move(looking);
  if (!found) co_return tl::make_unexpected(told(found.error()));

  auto waiting = impl_->claims.wait(id, found->record.owner.full(), impl_->limits());
  auto claim = co_await std::move(waiting);
  if (!claim) co_return pass(claim);
  auto state = std::make_unique<OpenUpload::State>();
  state->vault = impl_.get();
  state->recorded = true;
  state->claim = std::move(*claim);
  state->claim.listen(state->listener);
  auto looking_again = net::run_on(impl_->workers, std::move(again));
  found = co_await std::move(looking_again);
  if (!found) co_return tl::make_unexpected(told(found.error()));
  state->record = std::move(found->record);
  state->offset = state->confirmed = found->offset;
  state->hold(std::max(state->record.held, state->record.whole ? 0 : state->offset));
  co_return OpenUpload{std::move(state)};
}

Task<Result<void>> Vault::append(OpenUpload& upload, std::string_view bytes) {
  auto& state = *upload.state_;
  if (state.record.whole || state.done) co_return fail(Errc::conflict, "the upload is whole already");
  if (state.claim.condemned()) co_return fail(Errc::not_found, "the account is gone");
  if (bytes.empty()) co_return Result<void>{};
  const auto settings = impl_->settings();
  const std::uint64_t end = state.offset + bytes.size();
  if (state.record.length && end > *state.record.length)
    co_return fail(Errc::policy_violation, "more than the {} bytes that were announced", *state.record.length);
  if (end > settings->file_bytes) co_return tl::make_unexpected(too_large(settings->file_bytes));
  if (!state.record.length && end > state.held()) {
    auto more = impl_->hold_more(state, std::min(end + kHoldStep, settings->file_bytes));
    Result<void> held = co_await std::move(more);
    if (!held && held.error().code == Errc::resource_limit) {  // the last bytes that fit are taken, too
      auto exactly = impl_->hold_more(state, end);
      held = co_await std::move(exactly);
    }
    if (!held) co_return held;
  }

  auto write = [&content = impl_->content, id = state.record.id, offset = state.offset, bytes] {
    return content.append(id, offset, bytes);
  };
  auto writing = net::run_on(impl_->workers, std::move(write));
  Result<void> written = co_await std::move(writing);
  if (written) state.offset = end;
  co_return told(std::move(written));
}

Task<Result<void>> Vault::confirm(OpenUpload& upload) {
  auto& state = *upload.state_;
  if (state.record.whole || state.done) co_return Result<void>{};
  UploadRecord fresh = state.record;
  const bool more = state.offset != state.confirmed;  // who only asks does not keep it alive
  if (more) fresh.expires = impl_->upload_end();
  if (!fresh.length) fresh.held = std::max(fresh.held, state.offset);
  // The end need not move with every piece: a sixteenth of the time is near enough.
  const bool write = state.recorded && (fresh.held != state.record.held || (more && state.confirmed == 0) ||
                                        fresh.expires - state.record.expires > impl_->settings()->unfinished_for / 16);
  struct Job {
    Impl& vault;
    UploadRecord record;
    bool write;
    Result<void> run() const {
      if (auto synced = vault.content.sync(record.id); !synced) return synced;
      return write ? vault.index.update_upload(record) : Result<void>{};
    }
  };
  auto job = std::make_shared<Job>(Job{*impl_, fresh, write});
  auto work = [job] { return job->run(); };
  auto working = net::run_on(impl_->workers, std::move(work));
  Result<void> done = co_await std::move(working);
  if (!done) co_return told(std::move(done));
  const std::uint64_t held = state.held();
  if (write) state.record = std::move(fresh);
  state.hold(held);
  state.confirmed = state.offset;
  co_return done;
}

Task<Result<void>> Vault::set_length(OpenUpload& upload, std::uint64_t length) {
  auto& state = *upload.state_;
  const auto settings = impl_->settings();
  if (state.record.length && *state.record.length == length) co_return Result<void>{};
  if (state.record.length) co_return fail(Errc::conflict, "the length is {} already", *state.record.length);
  if (length < state.offset) co_return fail(Errc::conflict, "there are {} bytes already", state.offset);
  if (length > settings->file_bytes) co_return tl::make_unexpected(too_large(settings->file_bytes));
  auto more = impl_->hold_more(state, length);
  Result<void> held = co_await std::move(more);
  if (!held) co_return held;
  UploadRecord fresh = state.record;
  fresh.length = length;
  fresh.held = length;
  if (state.recorded) {
    auto kept = std::make_shared<UploadRecord>(fresh);
    auto work = [&index = impl_->index, kept] { return index.update_upload(*kept); };
    auto working = net::run_on(impl_->workers, std::move(work));
    Result<void> done = co_await std::move(working);
    if (!done) co_return told(std::move(done));
  }
  state.record = std::move(fresh);
  state.hold(length);
  co_return Result<void>{};
}

// What an upload that is whole becomes. Errc::conflict: it is not; not_found: its account is gone.
Result<FileRecord> Vault::Impl::file_of(const OpenUpload::State& upload) const {
  const auto& record = upload.record;
  if (record.whole || upload.done) return fail(Errc::conflict, "the upload is whole already");
  if (upload.claim.condemned()) return fail(Errc::not_found, "the account is gone");
  if (record.length && upload.offset < *record.length)
    return fail(Errc::conflict, "{} of {} bytes are missing", *record.length - upload.offset, *record.length);

  FileRecord file;
  file.id = record.id;
  file.owner = record.owner;
  file.name = record.name;
  file.type = record.type;
  file.size = upload.offset;
  file.removal = record.removal;
  file.created = clock.now();
  file.expires = file_end(record.file_expires);
  return file;
}

void Vault::Impl::became_file(OpenUpload::State& upload) {
  upload.record.whole = true;
  upload.record.length = upload.offset;
  upload.done = true;
  upload.claim.hold(0);
}

Task<Result<FileRecord>> Vault::finish(OpenUpload& upload) {
  auto& state = *upload.state_;
  const auto& record = state.record;
  auto file = impl_->file_of(state);
  if (!file) co_return pass(file);
  struct Job {
    Impl& vault;
    FileRecord file;
    UploadRecord record;
    bool recorded;
    std::function<bool()> condemned;
    Result<FileRecord> run() const {
      if (!record.partial) return enter();
      if (auto synced = vault.content.sync(record.id); !synced) return pass(synced);
      if (auto kept = vault.index.update_upload(record); !kept) return pass(kept);
      return file;
    }
    Result<FileRecord> enter() const {
      Keeping::Entering entering{vault.keeping};
      if (auto added = entering.add(file); !added) return pass(added);
      auto entered = entering.commit(recorded, condemned);
      if (!entered) return pass(entered);
      return std::move(entered->front());
    }
  };
  auto job = std::make_shared<Job>(Job{*impl_, std::move(*file), record, state.recorded, state.claim.condemnation()});
  job->record.whole = true;
  job->record.length = state.offset;
  job->record.held = state.offset;
  job->record.expires = impl_->upload_end();
  auto work = [job] { return job->run(); };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto finished = co_await std::move(working);
  if (!finished) co_return told(std::move(finished));
  impl_->became_file(state);
  co_return finished;
}

Task<Result<std::vector<FileRecord>>> Vault::finish_all(std::vector<OpenUpload*> uploads) {
  if (uploads.empty()) co_return std::vector<FileRecord>{};
  std::vector<FileRecord> files;
  for (const OpenUpload* upload : uploads) {
    ANSER_ASSERT(!upload->state_->recorded && !upload->state_->record.partial);
    auto file = impl_->file_of(*upload->state_);
    if (!file) co_return pass(file);
    files.push_back(std::move(*file));
  }
  auto entering = std::make_shared<Keeping::Entering>(impl_->keeping);
  for (auto& file : files) {  // a job each, so that others have their turn
    auto work = [entering, file = std::move(file)]() mutable { return entering->add(std::move(file)); };
    auto working = net::run_on(impl_->workers, std::move(work));
    Result<void> added = co_await std::move(working);
    if (!added) co_return tl::make_unexpected(told(added.error()));
  }
  auto work = [entering, condemned = uploads.front()->state_->claim.condemnation()] {
    return entering->commit(/*keep=*/false, condemned);
  };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto finished = co_await std::move(working);
  if (!finished) co_return tl::make_unexpected(told(finished.error()));
  for (OpenUpload* upload : uploads) impl_->became_file(*upload->state_);
  co_return finished;
}

Task<Result<void>> Vault::append_all(OpenUpload& upload, std::vector<std::string> parts) {
  struct Copy {
    Impl& vault;
    core::Jid owner;
    std::string id;
    std::vector<std::string> parts;
    std::uint64_t most;
    std::size_t part = 0;
    std::uint64_t from = 0, to = 0;  // in the part, in the whole
    std::string buffer = {};

    Result<std::uint64_t> measure() const {
      std::uint64_t all = 0;
      for (const auto& name : parts) {
        const auto found = vault.index.find_upload(name);
        if (!found) return pass(found);
        if (!*found || (*found)->owner != owner) return fail(Errc::not_found, "one of the parts is not there");
        if (!(*found)->partial || !(*found)->whole) return fail(Errc::conflict, "one of the parts is not whole");
        all += (*found)->length.value_or(0);
        if (all > most) return tl::make_unexpected(too_large(most));
      }
      return all;
    }
    // True: there is more to copy.
    Result<bool> step() {
      buffer.resize(kCopied);
      for (std::size_t i = 0; i < kCopiesOfAJob; ++i) {
        if (part == parts.size()) return false;
        const auto got = vault.content.read_unfinished(parts[part], from, buffer);
        if (!got) return pass(got);
        if (auto done = vault.content.append(id, to, {buffer.data(), *got}); !done) return pass(done);
        from += *got;
        to += *got;
        if (*got == buffer.size()) continue;
        ++part;
        from = 0;
      }
      return true;
    }
  };
  auto& state = *upload.state_;
  auto copy = std::make_shared<Copy>(Copy{.vault = *impl_,
                                          .owner = state.record.owner,
                                          .id = state.record.id,
                                          .parts = std::move(parts),
                                          .most = impl_->settings()->file_bytes,
                                          .to = state.offset});
  auto measure = [copy] { return copy->measure(); };
  auto measuring = net::run_on(impl_->workers, std::move(measure));
  auto all = co_await std::move(measuring);
  if (!all) co_return tl::make_unexpected(told(all.error()));
  auto setting = set_length(upload, state.offset + *all);
  Result<void> held = co_await std::move(setting);
  if (!held) co_return held;
  for (bool more = true; more;) {
    auto step = [copy] { return copy->step(); };
    auto stepping = net::run_on(impl_->workers, std::move(step));
    auto stepped = co_await std::move(stepping);
    state.offset = copy->to;
    if (!stepped) co_return tl::make_unexpected(told(stepped.error()));
    more = *stepped;
  }
  co_return Result<void>{};
}

Task<Result<std::string>> Vault::read_back(const OpenUpload& upload, std::uint64_t offset, std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, upload.offset() - offset));
  auto read = [&content = impl_->content, id = upload.record().id, offset, size]() -> Result<std::string> {
    std::string piece(size, '\0');
    const auto got = content.read_unfinished(id, offset, piece);
    if (!got) return pass(got);
    if (*got != size) return fail(Errc::io, "an upload has lost bytes");
    return piece;
  };
  auto reading = net::run_on(impl_->workers, std::move(read));
  auto piece = co_await std::move(reading);
  co_return told(std::move(piece));
}

Task<Result<void>> Vault::append_upload(OpenUpload& upload, const OpenUpload& other) {
  for (std::uint64_t from = 0; from < other.offset();) {
    auto reading = read_back(other, from, kCopied);
    const auto piece = co_await std::move(reading);
    if (!piece) co_return pass(piece);
    auto writing = append(upload, *piece);
    Result<void> written = co_await std::move(writing);
    if (!written) co_return written;
    from += piece->size();
  }
  co_return Result<void>{};
}

Task<Result<void>> Vault::abandon(OpenUpload upload) {
  auto work = [this, id = upload.state_->record.id] { return impl_->keeping.remove_upload(id); };
  auto working = net::run_on(impl_->workers, std::move(work));
  Result<void> done = co_await std::move(working);
  if (done) upload.state_->done = true;
  co_return told(std::move(done));
}

Task<Result<std::optional<FileRecord>>> Vault::find(std::string id) {
  auto work = [&index = impl_->index, id = std::move(id)] { return index.find_file(id); };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto file = co_await std::move(working);
  if (file && *file && (*file)->expires != Time{} && (*file)->expires <= impl_->clock.now()) file->reset();
  co_return told(std::move(file));
}

Task<Result<std::string>> Vault::read(const FileRecord& file, std::uint64_t offset, std::size_t size) {
  auto work = [&content = impl_->content, name = file.content, offset, size]() -> Result<std::string> {
    std::string bytes(size, '\0');
    const auto got = content.read(name, offset, bytes);
    if (!got) return pass(got);
    bytes.resize(*got);
    return bytes;
  };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto bytes = co_await std::move(working);
  co_return told(std::move(bytes));
}

Task<Result<std::vector<FileRecord>>> Vault::list(core::Jid owner, std::string before, std::size_t limit) {
  auto work = [&index = impl_->index, owner, before = std::move(before), limit] {
    return index.list_files(owner, before, limit);
  };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto files = co_await std::move(working);
  if (!files) co_return tl::make_unexpected(told(files.error()));
  std::erase_if(*files, [now = impl_->clock.now()](const FileRecord& file) {
    return file.expires != Time{} && file.expires <= now;
  });
  co_return files;
}

Task<Result<domain::FileUse>> Vault::use_of(core::Jid owner) {
  auto work = [&vault = *impl_, owner] { return vault.index.use_of(owner, vault.clock.now()); };
  auto working = net::run_on(impl_->workers, std::move(work));
  auto use = co_await std::move(working);
  if (use) use->bytes += impl_->claims.held_by(owner.full());
  co_return told(std::move(use));
}

Task<Result<void>> Vault::remove(std::string id) {
  auto work = [this, id = std::move(id)] { return impl_->keeping.remove(id); };
  auto working = net::run_on(impl_->workers, std::move(work));
  Result<void> done = co_await std::move(working);
  co_return told(std::move(done));
}

bool Vault::is_removal_key(const FileRecord& file, std::string_view key) {
  return !file.removal.empty() && core::constant_time_equal(core::digest(core::Hash::sha256, key), file.removal);
}

bool Vault::sweep() { return impl_->keeping.sweep(); }

Result<void> Vault::remove_all_of(const core::Jid& owner) {
  impl_->claims.condemn(owner.full());
  return told(impl_->keeping.remove_all_of(owner));
}

void Vault::end_all() { impl_->claims.end_all(); }
std::size_t Vault::under_way() const { return impl_->claims.under_way(); }

}  // namespace anser::upload
