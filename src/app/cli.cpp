#include "app/cli.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>

#include "app/control.h"
#include "app/logging.h"
#include "app/offline_admin.h"
#include "app/reload.h"
#include "sdk/programs/chat.h"
#include "sdk/programs/send.h"

namespace anser::app {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

// What the command line says, filled in by CLI11.
struct Arguments {
  std::optional<std::string> config, data;
  std::string name, host;
  bool batch = false, json = false, password_stdin = false;
};

void say_error(const Console& console, const Error& error) {
  // Configuration errors are lines that begin with their place, as editors like them.
  if (error.code != Errc::invalid_config) console.err << "anser: ";
  console.err << error.message << '\n';
}

int finish(const Console& console, const Result<void>& outcome) {
  console.out.flush();
  if (outcome) return kDone;
  say_error(console, outcome.error());
  return kFailed;
}

ConfigChoice choice_of(const Arguments& arguments) {
  ConfigChoice choice = ConfigChoice::from_environment();
  choice.file = arguments.config;
  choice.data = arguments.data;
  return choice;
}

// A certificate that cannot be read would only show when the server starts.
Result<void> check_files(const Config& config) {
  std::string problems;
  for (const Config::Host& host : config.hosts) {
    for (const std::string& file : {host.certificate, host.key}) {
      if (file.empty() || std::ifstream{file}) continue;
      problems += fmt::format("{}cannot read {} of host {}: {}", problems.empty() ? "" : "\n", file, host.name,
                              std::strerror(errno));
    }
  }
  if (problems.empty()) return {};
  return fail(Errc::invalid_config, "{}", problems);
}

Result<void> check_config(const Arguments& arguments, const Console& console) {
  const auto loaded = load_config(choice_of(arguments));
  if (!loaded) return pass(loaded);
  if (auto checked = check_files(loaded->config); !checked) return checked;
  console.out << "the configuration is right\n";
  return {};
}

Result<void> print_config(const Arguments& arguments, const Console& console) {
  const auto loaded = load_config(choice_of(arguments));
  if (!loaded) return pass(loaded);
  console.out << print_settings(loaded->settings);
  return {};
}

// Root works as whoever owns the data, or the server could not open the files that root makes.
Result<void> become_owner_of(const std::string& directory) {
  struct stat about {};
  if (geteuid() != 0 || stat(directory.c_str(), &about) != 0 || about.st_uid == 0) return {};
  if (setgroups(0, nullptr) == 0 && setgid(about.st_gid) == 0 && setuid(about.st_uid) == 0) return {};
  return fail(Errc::io, "cannot become the owner of {}: {}", directory, std::strerror(errno));
}

// Through the server if one runs, else on the database.
Result<std::unique_ptr<AccountAdmin>> find_admin(const Config& config, bool create) {
  auto server = reach_server(config.server.data);
  if (!server || *server) return server;
  if (auto become = become_owner_of(config.server.data); !become) return pass(become);
  return open_offline_admin(config, create);
}

using UserAction = std::function<Result<void>(UserCommand&)>;

Result<void> run_user(const Arguments& arguments, const Console& console, bool create, const UserAction& action) {
  const auto loaded = load_config(choice_of(arguments));
  if (!loaded) return pass(loaded);
  const auto admin = find_admin(loaded->config, create);
  if (!admin) return pass(admin);
  const domain::Hosts hosts = hosts_of(loaded->config);
  UserCommand command{**admin, hosts, console};
  return action(command);
}

int run_serve(const Arguments& arguments, const Console& console, const Serve& serve) {
  const ConfigChoice choice = choice_of(arguments);
  const auto loaded = load_config(choice);
  if (!loaded) return finish(console, pass(loaded));
  const Logging logging{loaded->config.log};
  return serve(loaded->config, make_reload(choice, loaded->config));
}

// The programs of the client library have errors of the library's.
std::function<sdk::Result<std::string>(std::string_view)> ask_for(const Console& console) {
  return [ask = console.ask](std::string_view question) -> sdk::Result<std::string> {
    auto answer = ask(question);
    if (answer) return std::move(*answer);
    const bool no_terminal = answer.error().code == Errc::unavailable;
    return tl::make_unexpected(
        sdk::Error{no_terminal ? sdk::Errc::unsupported : sdk::Errc::closed, answer.error().message});
  };
}

// ---- what CLI11 is told ---------------------------------------------------------------------------------------------

void add_places(CLI::App& command, Arguments& arguments) {
  command.add_option("--config", arguments.config, "configuration file (TOML)")->type_name("FILE");
  command.add_option("--data", arguments.data, "data directory")->type_name("DIR");
}

CLI::App& add_command(CLI::App& parent, const char* name, const char* meaning, Arguments& arguments,
                      std::function<void()> run) {
  CLI::App& command = *parent.add_subcommand(name, meaning);
  add_places(command, arguments);
  command.callback(std::move(run));
  return command;
}

class CommandLine {
 public:
  CommandLine(const Serve& serve, const Console& console) : console_(console) {
    app_.require_subcommand(1);
    add_command(app_, "serve", "run the server", a_, [this, serve] { exit_ = run_serve(a_, console_, serve); });
    add_user_commands();
    add_config_commands();
    programs::add_chat_command(app_, client_console_, exit_);
    programs::add_send_command(app_, client_console_, exit_);
    app_.add_subcommand("version", "say which Anser this is")->callback([this] {
      console_.out << "anser " << ANSER_VERSION << '\n';
    });
  }

  int run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error, console_.out, console_.err) == 0 ? kDone : kUsage;
    } catch (const std::exception& error) {
      return finish(console_, fail(Errc::internal, "{}", error.what()));
    }
    return exit_;
  }

 private:
  void add_user_commands() {
    CLI::App& user = *app_.add_subcommand("user", "add, change, delete and look at accounts");
    user.require_subcommand(1);

    CLI::App& add = add_user(user, "add", "make an account", /*create=*/true, [this](UserCommand& command) {
      return a_.batch ? command.add_batch() : command.add(a_.name, a_.password_stdin);
    });
    CLI::Option_group& who = *add.add_option_group("whom", "exactly one of");
    add_name(who);
    CLI::Option* batch =
        who.add_flag("--batch", a_.batch, "make one for each line \"NAME PASSWORD\" of standard input");
    who.require_option(1);
    add_password_stdin(add)->excludes(batch);

    CLI::App& passwd = add_user(user, "passwd", "change a password; its sessions end", false,
                                [this](UserCommand& c) { return c.set_password(a_.name, a_.password_stdin); });
    add_name(passwd)->required();
    add_password_stdin(passwd);

    CLI::App& remove = add_user(user, "delete", "delete an account and all that it owns", false,
                                [this](UserCommand& command) { return command.remove(a_.name); });
    add_name(remove)->required();

    CLI::App& list = add_user(user, "list", "list accounts", false,
                              [this](UserCommand& command) { return command.list(a_.host, a_.json); });
    list.add_option("--host", a_.host, "only of this host")->type_name("HOST");
    add_json(list);

    CLI::App& show = add_user(user, "show", "what is known of an account", false,
                              [this](UserCommand& command) { return command.show(a_.name, a_.json); });
    add_name(show)->required();
    add_json(show);
  }

  void add_config_commands() {
    CLI::App& config = *app_.add_subcommand("config", "check and show the configuration");
    config.require_subcommand(1);
    add_command(config, "check", "say what is wrong, if anything", a_,
                [this] { exit_ = finish(console_, check_config(a_, console_)); });
    add_command(config, "print", "every value in effect and where it comes from", a_,
                [this] { exit_ = finish(console_, print_config(a_, console_)); });
    config.add_subcommand("docs", "the text of docs/configuration.md")->group("")->callback([this] {
      console_.out << configuration_page();
    });
  }

  CLI::App& add_user(CLI::App& parent, const char* name, const char* meaning, bool create, UserAction action) {
    return add_command(parent, name, meaning, a_, [this, create, action = std::move(action)] {
      exit_ = finish(console_, run_user(a_, console_, create, action));
    });
  }
  CLI::Option* add_name(CLI::App& command) {
    return command.add_option("name", a_.name, "the account; without a host it is of the first")
        ->type_name("NAME[@HOST]");
  }
  CLI::Option* add_password_stdin(CLI::App& command) {
    return command.add_flag("--password-stdin", a_.password_stdin, "read the password from standard input");
  }
  void add_json(CLI::App& command) { command.add_flag("--json", a_.json, "as JSON"); }

  const Console& console_;
  const programs::Console client_console_{console_.out, console_.err, ask_for(console_)};
  CLI::App app_{"Anser, an instant-messaging server", "anser"};
  Arguments a_;
  int exit_ = kDone;
};

}  // namespace

int run_command(int argc, const char* const* argv, const Serve& serve, const Console& console) {
  return CommandLine{serve, console}.run(argc, argv);
}

}  // namespace anser::app
