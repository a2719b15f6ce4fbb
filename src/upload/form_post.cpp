// POST /upload: a form, item by item, its files straight to where they are kept. All of them become files, or none.
#include <limits>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "upload/answer_page.h"
#include "upload/form_intake.h"
#include "upload/handlers.h"
#include "upload/pace.h"
#include "upload/places.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::Task;

constexpr std::size_t kFields = 1000;  // beside the files
constexpr std::uint64_t kFieldBytes =
    64 * 1024;  // of all of them: they are kept in memory, and come back in the answer

struct Failure {
  Sentence sentence = Sentence::reading;
  Problem problem = {};
  bool said = false;  // the server answers for itself, or nobody is there any more
};
using Outcome = tl::expected<FormAnswer, Failure>;

// The files of one form, from their first byte until all are whole. What is not when it goes is removed.
class FormFiles {
 public:
  FormFiles(Shared& shared, core::Jid owner) : shared_(shared), owner_(std::move(owner)) {}

  Task<std::optional<Failure>> carry_out(FormIntake::Step step) {
    if (auto* begin = std::get_if<FormIntake::Begin>(&step)) {
      NewUpload fresh{.owner = owner_, .name = std::move(begin->name), .type = std::move(begin->type)};
      auto beginning = shared_.vault.begin(std::move(fresh));
      auto begun = co_await std::move(beginning);
      if (!begun) co_return not_begun(begun.error());
      open_.push_back({std::move(begin->field), std::move(*begun)});
      co_return std::nullopt;
    }
    ANSER_ASSERT(!open_.empty());
    OpenUpload& upload = open_.back().upload;
    auto appending = shared_.vault.append(upload, std::get<FormIntake::Bytes>(step).get());
    const auto appended = co_await std::move(appending);
    if (appended) co_return std::nullopt;
    auto telling = problem_of_vault(shared_, owner_, appended.error(), upload.offset());
    Problem problem = co_await std::move(telling);
    co_return failure(Sentence::storing, std::move(problem));
  }

  // Makes them whole, all at once. The removal keys go into the answer.
  Task<std::optional<Failure>> finish(std::vector<FormAnswer::File>& files) {
    std::vector<OpenUpload*> uploads;
    for (auto& one : open_) uploads.push_back(&one.upload);
    auto finishing = shared_.vault.finish_all(std::move(uploads));
    auto finished = co_await std::move(finishing);
    if (!finished) co_return failure(Sentence::storing, problem_of(finished.error()));
    for (std::size_t i = 0; i < open_.size(); ++i) {
      files.push_back({std::move(open_[i].field), std::move((*finished)[i]), open_[i].upload.removal_key()});
    }
    co_return std::nullopt;
  }

 private:
  struct Open {
    std::string field;
    OpenUpload upload;
  };

  static std::optional<Failure> failure(Sentence sentence, Problem problem) {
    return Failure{.sentence = sentence, .problem = std::move(problem)};
  }
  // Where there is no folder no file can be begun: an upload that is new cannot be missing.
  static std::optional<Failure> not_begun(Error error) {
    const bool missing = error.code == Errc::not_found;
    if (missing) error.code = Errc::unavailable;
    const bool broken = error.code == Errc::io || error.code == Errc::storage_failed || error.code == Errc::unavailable;
    const Sentence there = broken ? Sentence::no_access : Sentence::storing;
    return failure(missing ? Sentence::no_directory : there, problem_of(error));
  }

  Shared& shared_;
  core::Jid owner_;
  std::vector<Open> open_;
};

Task<Outcome> receive(Shared& shared, HttpExchange& exchange, const Settings& settings, core::Jid owner) {
  const auto failed = [](Sentence sentence, Problem problem) {
    return Outcome{tl::unexpect, Failure{.sentence = sentence, .problem = std::move(problem)}};
  };
  const auto& request = exchange.request();
  form::FormReader::Settings reading{.charset = settings.charset};
  reading.limits.request_bytes = settings.form_bytes;
  reading.limits.file_bytes = settings.file_bytes;
  reading.limits.field_bytes = kFieldBytes;
  reading.limits.part_header_bytes = settings.part_header_bytes;
  reading.limits.items = settings.files_per_form + kFields;
  auto reader = form::FormReader::open(request.field("content-type").value_or(""), request.content_length, reading);
  if (!reader) {
    const bool type = reader.error().kind == form::FormError::Kind::content_type;
    co_return failed(type ? Sentence::no_form : Sentence::reading, problem_of(reader.error()));
  }
  FormIntake intake{std::move(*reader), settings.files_per_form};
  FormFiles files{shared, std::move(owner)};
  const Pace pace{shared.clock, settings};
  std::uint64_t came = 0;
  for (bool more = true; more;) {
    auto placing = Places::of_core()->take(exchange);
    co_await std::move(placing);
    Place place;
    const auto filled = place.fill(exchange, std::numeric_limits<std::uint64_t>::max());
    if (!filled) co_return Outcome{tl::unexpect, Failure{.said = true}};
    more = *filled;
    auto steps = intake.take(place.bytes(), !more);
    if (!steps) co_return failed(Sentence::reading, std::move(steps.error()));
    came += place.bytes().size();
    if (more && pace.too_slow(came)) {
      exchange.stop_reading();  // nor is the rest waited for
      co_return failed(Sentence::reading, {.status = 408, .code = "timeout", .detail = "the form comes too slowly"});
    }
    for (auto& step : *steps) {
      auto carrying = files.carry_out(std::move(step));
      auto wrong = co_await std::move(carrying);
      if (wrong) co_return Outcome{tl::unexpect, std::move(*wrong)};
    }
  }
  FormAnswer answer{.fields = intake.fields(), .files = {}};
  auto finishing = files.finish(answer.files);
  auto wrong = co_await std::move(finishing);
  if (wrong) co_return Outcome{tl::unexpect, std::move(*wrong)};
  co_return Outcome{std::move(answer)};
}

}  // namespace

Task<void> post_form(Shared& shared, HttpExchange& exchange) {
  const SharedSettings settings = shared.settings();
  auto asking = who(shared, exchange, Anonymous::as_configured);
  auto owner = co_await std::move(asking);
  if (!owner) {
    auto response = response_of(owner.error(), exchange.request());
    co_return exchange.respond(std::move(response));
  }
  auto receiving = receive(shared, exchange, *settings, std::move(*owner));
  const auto outcome = co_await std::move(receiving);
  net::HttpResponse response;
  if (outcome) {
    response = answer_of(*outcome, address_of(*settings, exchange), exchange.request());
  } else if (outcome.error().said) {
    co_return;
  } else {
    response = refusal_of(outcome.error().sentence, outcome.error().problem, exchange.request());
  }
  allow_origin(response, *settings, exchange.request());
  exchange.respond(std::move(response));
}

}  // namespace anser::upload
