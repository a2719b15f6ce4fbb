#include "sdk/programs/send.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <ostream>

#include "anser/address.h"
#include "anser/file_transfer.h"
#include "sdk/programs/fail.h"
#include "sdk/programs/sender.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

sdk::Result<std::string> read_all(int in) {
  std::string text;
  std::array<char, 16 * 1024> piece;
  for (;;) {
    const ssize_t size = read(in, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(sdk::Errc::io, std::string{"cannot read standard input: "} + std::strerror(errno));
    if (size == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(size));
    if (text.size() > Sender::kTextBytes)
      return fail(sdk::Errc::invalid_argument,
                  "the message is longer than " + std::to_string(Sender::kTextBytes) + " bytes");
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

// Of the arguments or standard input; what needs no connection fails before there is one.
sdk::Result<std::string> get_text(const SendOptions& options, const Console& console) {
  std::string text;
  for (const std::string& word : options.words) text += (text.empty() ? "" : " ") + word;
  if (options.words.empty()) {
    auto all = read_all(console.in);
    if (!all) return all;
    text = std::move(*all);
  }
  if (text.empty()) return fail(sdk::Errc::invalid_argument, "there is no text to send");
  if (!is_utf8(text)) return fail(sdk::Errc::invalid_argument, "the text is not UTF-8");
  return text;
}

// Where it is counted how far a file has got: on a terminal, in one line that is written over.
class ProgressLine {
 public:
  ProgressLine(std::ostream& err, std::string name) : err_(err), name_(std::move(name)) {}
  ~ProgressLine() {
    if (shown_) err_ << "\r\x1b[K" << std::flush;
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // On the library's thread, while the program's waits.
  void show(const sdk::TransferProgress& progress) {
    if (!progress.total || *progress.total == 0) return;
    const auto percent =
        static_cast<unsigned>(static_cast<double>(progress.done) * 100 / static_cast<double>(*progress.total));
    err_ << "\r\x1b[K" << shown(name_) << ": " << percent << " %" << std::flush;
    shown_ = true;
  }

 private:
  std::ostream& err_;
  const std::string name_;
  bool shown_ = false;
};

// The file's address, once it can be fetched.
sdk::Result<std::string> upload(const SendOptions& options, sdk::Connection& connection, const Console& console) {
  ProgressLine line{console.err, options.file};
  sdk::Upload upload{.path = options.file};
  upload.limits.silence = options.patience;
  if (isatty(STDERR_FILENO) == 1) upload.progress = [&line](const sdk::TransferProgress& so_far) { line.show(so_far); };
  const auto sent = connection.file_transfers().upload(std::move(upload));
  if (!sent) return tl::make_unexpected(sent.error());
  return sent->url;
}

sdk::Result<void> log_in(sdk::Connection& connection, Login& login) {
  if (auto connected = connection.connect(); !connected) return connected;
  return connection.login(std::move(login.username), std::move(login.password), std::move(login.resource));
}

sdk::Result<bool> send_all(const SendOptions& options, const Console& console) {
  const auto to = sdk::prepare_address(options.to);
  if (!to) return tl::make_unexpected(to.error());
  std::string text;
  if (!options.file.empty()) {
    if (access(options.file.c_str(), R_OK) != 0)
      return fail(sdk::Errc::io, "cannot read " + options.file + ": " + std::strerror(errno));
    std::error_code none;
    if (!std::filesystem::is_regular_file(options.file, none))
      return fail(sdk::Errc::invalid_argument, options.file + " is no file");
  } else if (!options.lines) {
    auto got = get_text(options, console);
    if (!got) return tl::make_unexpected(got.error());
    text = std::move(*got);
  }
  auto login = make_login(options.account, console);
  if (!login) return tl::make_unexpected(login.error());

  // A script is nobody who is there: what waits for the account keeps waiting.
  login->configuration.send_presence = false;
  login->configuration.roster_loaded_at_login = false;
  login->configuration.carbons_enabled = false;
  login->configuration.send_receipts = false;
  sdk::Connection connection{login->configuration};
  if (auto in = log_in(connection, *login); !in) return tl::make_unexpected(in.error());

  if (!options.file.empty()) {
    auto url = upload(options, connection, console);
    if (!url) {
      connection.disconnect();
      return tl::make_unexpected(url.error());
    }
    text = std::move(*url);
  }
  Sender sender{options, *to, connection, console};
  if (options.lines) {
    sender.send_lines(console.in);
  } else {
    sender.send_one(text);
  }
  const bool all_went_well = sender.finish();
  connection.disconnect();
  return all_went_well;
}

}  // namespace

int send(const SendOptions& options, const Console& console) {
  const auto sent = send_all(options, console);
  if (sent) return *sent ? kDone : kFailed;
  console.err << "anser: " << shown(words(sent.error())) << '\n';
  return kFailed;
}

void add_send_command(CLI::App& program, const Console& console, int& exit) {
  using Type = sdk::Message::Type;
  const auto options = std::make_shared<SendOptions>();
  CLI::App& command = *program.add_subcommand("send", "send messages, from a script say");
  add_account_options(command, options->account);
  command.add_option("--to", options->to, "who gets it")->type_name("ADDRESS")->required();
  const std::map<std::string, Type> types{{"chat", Type::chat}, {"normal", Type::normal}, {"headline", Type::headline}};
  command.add_option("--type", options->type, "chat, normal or headline (chat)")
      ->type_name("TYPE")
      ->transform(CLI::CheckedTransformer(types).description(""));
  command.add_option("--subject", options->subject, "a subject")->type_name("TEXT");
  CLI::Option* words =
      command.add_option("text", options->words, "the message; without it standard input is")->type_name("TEXT");
  CLI::Option* lines =
      command.add_flag("--lines", options->lines, "each line of standard input is a message")->excludes(words);
  command.add_option("--file", options->file, "a file; it is uploaded, and the message is its address")
      ->type_name("PATH")
      ->excludes(words)
      ->excludes(lines);
  command.add_flag("--wait-receipt", options->wait_receipt, "wait until the recipient says that it came (XEP-0184)");
  command
      .add_option_function<int>(
          "--patience", [options](int seconds) { options->patience = std::chrono::seconds{seconds}; },
          "seconds in which something has to happen to what is under way (60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86'400));
  command.callback([options, &console, &exit] { exit = send(*options, console); });
}

}  // namespace anser::programs
