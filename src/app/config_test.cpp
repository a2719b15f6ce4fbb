#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "app/config_schema.h"
#include "app/config_value.h"
#include "tests/support/temporary_directory.h"

namespace anser::app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Config config_of(std::string_view text) {
  const auto loaded = parse_config(text, "anser.toml");
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
  return loaded ? loaded->config : Config{};
}

std::string error_of(std::string_view text) {
  const auto loaded = parse_config(text, "anser.toml");
  if (loaded) return "no error";
  EXPECT_EQ(loaded.error().code, Errc::invalid_config);
  return loaded.error().message;
}

std::string origin_of(const LoadedConfig& loaded, std::string_view path) {
  for (const Setting& setting : loaded.settings) {
    if (setting.path == path) return setting.origin;
  }
  return "missing";
}

// ---- values ---------------------------------------------------------------------------------------------------------

TEST(Config, NeedsNoFile) {
  const auto loaded = load_config({});

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.hosts.front().name, "localhost");
  EXPECT_EQ(loaded->config.registration.mode, RegistrationMode::local);
  EXPECT_TRUE(loaded->config.archive.enabled);
  EXPECT_FALSE(loaded->config.compression.enabled);
  EXPECT_EQ(loaded->settings.size(),
            std::count_if(schema().begin(), schema().end(), [](const Key& key) { return key.table() != "token_key"; }));
}

TEST(Config, ReadsEveryType) {
  const Config config = config_of(R"(
    [server]
    data = "/srv/anser"      # text
    cores = 4                # number
    [xmpp]
    tls_required = false     # boolean
    login_timeout = "90s"    # time
    listen = ["127.0.0.1:5222", "[::1]:0"]
    resource_conflict = "refuse"
    [auth]
    mechanisms = ["SCRAM-SHA-256", "PLAIN"]
    [limits]
    stanza_bytes = "1MB"
    output_queue_bytes = 3000000
    [[host]]
    name = "Example.ORG"
    aliases = ["chat.example.org", "bücher.example"]
    [log]
    level = "debug"
    format = "json"
  )");

  EXPECT_EQ(config.server.data, "/srv/anser");
  EXPECT_EQ(config.server.cores, 4u);
  EXPECT_FALSE(config.xmpp.tls_required);
  EXPECT_EQ(config.xmpp.login_timeout, 90s);
  EXPECT_THAT(config.xmpp.listen, ElementsAre(Endpoint{"127.0.0.1", 5222}, Endpoint{"::1", 0}));
  EXPECT_EQ(config.xmpp.resource_conflict, ResourceConflict::refuse);
  EXPECT_THAT(config.auth.mechanisms, ElementsAre("SCRAM-SHA-256", "PLAIN"));
  EXPECT_EQ(config.limits.stanza_bytes, 1_MB);
  EXPECT_EQ(config.limits.output_queue_bytes, 3'000'000u);
  EXPECT_EQ(config.hosts.front().name, "example.org");  // prepared
  EXPECT_THAT(config.hosts.front().aliases, ElementsAre("chat.example.org", "bücher.example"));
  EXPECT_EQ(config.log.level, log::Level::debug);
  EXPECT_EQ(config.log.format, LogFormat::json);
}

TEST(Config, KeepsHostsInTheirOrder) {
  const Config config = config_of("[[host]]\nname = \"a.example\"\n[[host]]\nname = \"b.example\"\n");

  ASSERT_EQ(config.hosts.size(), 2u);
  EXPECT_EQ(config.hosts[0].name, "a.example");
  EXPECT_EQ(config.hosts[1].name, "b.example");
}

TEST(Config, SizesHaveUnits) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("10000"), 10'000);
  EXPECT_EQ(parse_size("17B"), 17);
  EXPECT_EQ(parse_size("256KB"), 262'144);
  EXPECT_EQ(parse_size("1 MB"), 1'048'576);
  EXPECT_EQ(parse_size("2GB"), 2'147'483'648);
  for (const char* wrong : {"", "KB", "1XB", "1.5MB", "-1KB", "1KBs", "9999999999999999999", "9223372036854775807GB"}) {
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
  }
}

TEST(Config, DurationsHaveUnits) {
  EXPECT_EQ(parse_duration("500ms"), 500);
  EXPECT_EQ(parse_duration("30s"), 30'000);
  EXPECT_EQ(parse_duration("30"), 30'000);
  EXPECT_EQ(parse_duration("5m"), 300'000);
  EXPECT_EQ(parse_duration("2h"), 7'200'000);
  EXPECT_EQ(parse_duration("7d"), 604'800'000);
  for (const char* wrong : {"", "s", "5 weeks", "5mm", "-5s", "1e3s"}) {
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  }
}

TEST(Config, ADurationMayBeANumberOfSeconds) {
  EXPECT_EQ(config_of("[xmpp]\nlogin_timeout = 45\n").xmpp.login_timeout, 45s);
  EXPECT_EQ(config_of("[xmpp]\nping_after = 0\n").xmpp.ping_after, 0s);
  EXPECT_THAT(error_of("[xmpp]\nlogin_timeout = 9223372036854775807\n"), HasSubstr("must be 1s to 1h"));
  EXPECT_THAT(error_of("[xmpp]\nlogin_timeout = -9223372036854775807\n"), HasSubstr("must be 1s to 1h"));
}

TEST(Config, EndpointsAreLiteralAddressesWithAPort) {
  EXPECT_EQ(parse_endpoint("0.0.0.0:5222"), (Endpoint{"0.0.0.0", 5222}));
  EXPECT_EQ(parse_endpoint("[::]:5222"), (Endpoint{"::", 5222}));
  EXPECT_EQ(to_string(Endpoint{"2001:db8::1", 5223}), "[2001:db8::1]:5223");
  for (const char* wrong : {"", ":5222", "localhost:5222", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:5x",
                            "::1:5222", "[1.2.3.4]:5222", "[]:5222"}) {
    EXPECT_FALSE(parse_endpoint(wrong)) << wrong;
  }
}

// ---- what is refused ------------------------------------------------------------------------------------------------

struct Refusal {
  const char* text;
  const char* sentence;
};

class ConfigRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefuses, WithALineAndASentence) { EXPECT_EQ(error_of(GetParam().text), GetParam().sentence); }

INSTANTIATE_TEST_SUITE_P(
    Keys, ConfigRefuses,
    testing::Values(
        Refusal{"[xmpp]\nlistn = []", R"(anser.toml:2: unknown key "xmpp.listn", did you mean "xmpp.listen"?)"},
        Refusal{"[limits]\nstanza-bytes = 1",
                R"(anser.toml:2: unknown key "limits.stanza-bytes", did you mean "limits.stanza_bytes"?)"},
        Refusal{"\n\ndata = \"x\"", R"(anser.toml:3: unknown key "data", did you mean "server.data"?)"},
        Refusal{"[limits]\ninstructions = \"x\"",
                R"(anser.toml:2: unknown key "limits.instructions", did you mean "registration.instructions"?)"},
        Refusal{"[limits]\nzzzzzzzzzzzz = 1", R"(anser.toml:2: unknown key "limits.zzzzzzzzzzzz")"},
        Refusal{"[limit]\ndepth = 64", R"(anser.toml:1: unknown table "limit", did you mean [limits]?)"},
        Refusal{"[[hosts]]\nname = \"a\"", R"(anser.toml:1: unknown table "hosts", did you mean [[host]]?)"},
        Refusal{"[limits.depth]\nx = 1", R"(anser.toml:1: limits.depth takes a whole number, not a table)"},
        Refusal{"limits = 3", R"(anser.toml:1: "limits" is a table, write [limits])"},
        Refusal{"[host]\nname = \"a\"", R"(anser.toml:1: "host" is a list of tables, write [[host]])"},
        Refusal{"host = []", R"(anser.toml:1: "host" is a list of tables, write [[host]])"},
        Refusal{"[[host]]\naliases = [\"a\"]", R"(anser.toml:1: this [[host]] has no name)"},
        Refusal{"[token_key]\nfile = \"a\"", R"(anser.toml:1: "token_key" is a list of tables, write [[token_key]])"},
        Refusal{"[[token_key]]\nfile = \"a\"", R"(anser.toml:1: this [[token_key]] has no algorithm)"},
        Refusal{"[[token_key]]\nalgorithm = \"HS256\"\nfile = \"\"",
                R"(anser.toml:3: token_key.file must not be empty)"},
        Refusal{"[[token_keys]]\nfile = \"a\"",
                R"(anser.toml:1: unknown table "token_keys", did you mean [[token_key]]?)"}));

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigRefuses,
    testing::Values(
        Refusal{"[archive]\nenabled = \"yes\"", R"(anser.toml:2: archive.enabled takes true or false, not "yes")"},
        Refusal{"[limits]\ndepth = \"64\"", R"(anser.toml:2: limits.depth takes a whole number, not "64")"},
        Refusal{"[limits]\ndepth = 6.5", "anser.toml:2: limits.depth takes a whole number, not 6.5"},
        Refusal{"[limits]\ndepth = 7", "anser.toml:2: limits.depth must be 8 to 1000, not 7"},
        Refusal{"[limits]\ndepth = 1001", "anser.toml:2: limits.depth must be 8 to 1000, not 1001"},
        Refusal{"[xmpp]\nping_after = -1", "anser.toml:2: xmpp.ping_after must be 0 (never) or 1s to 1d, not -1"},
        Refusal{"[limits]\nstanza_bytes = \"1KB\"",
                R"(anser.toml:2: limits.stanza_bytes must be 10000B to 64MB, not "1KB")"},
        Refusal{"[limits]\nstanza_bytes = \"many\"",
                R"(anser.toml:2: limits.stanza_bytes takes a size such as "256KB" or "1MB", not "many")"},
        Refusal{"[xmpp]\nlogin_timeout = \"5 parsecs\"",
                R"(anser.toml:2: xmpp.login_timeout takes a time such as "30s", "5m" or "2h", not "5 parsecs")"},
        Refusal{"[xmpp]\nlogin_timeout = 1979-05-27",
                R"(anser.toml:2: xmpp.login_timeout takes a time such as "30s", "5m" or "2h", not a date or time)"},
        Refusal{
            "[registration]\nmode = \"opne\"",
            R"(anser.toml:2: registration.mode takes "open", "local" or "closed", not "opne", did you mean "open"?)"},
        Refusal{"[registration]\nmode = false",
                R"(anser.toml:2: registration.mode takes "open", "local" or "closed", not false)"},
        Refusal{"[log]\nlevel = \"loudest\"",
                R"(anser.toml:2: log.level takes "debug", "info", "warn" or "error", not "loudest")"},
        Refusal{"[server]\ndata = \"\"", "anser.toml:2: server.data must not be empty"},
        Refusal{"[server]\ndata = 7", "anser.toml:2: server.data takes text, not 7"},
        Refusal{"[server]\ndata = \"a\\u0000b\"", "anser.toml:2: server.data holds a control character"},
        Refusal{"[xmpp]\nlisten = \"0.0.0.0:1\"",
                R"(anser.toml:2: xmpp.listen takes a list such as ["…", "…"], not "0.0.0.0:1")"},
        Refusal{
            "[xmpp]\nlisten = [\"localhost\"]",
            R"(anser.toml:2: xmpp.listen takes addresses with a port such as "0.0.0.0:5222" or "[::]:5222", not "localhost")"},
        Refusal{"[xmpp]\nlisten = [\"0.0.0.0:1\", \"0.0.0.0:1\"]",
                R"(anser.toml:2: xmpp.listen has "0.0.0.0:1" twice)"},
        Refusal{"[[host]]\nname = \"a..b\"",
                R"(anser.toml:2: host.name takes a domain such as "example.org", not "a..b")"},
        Refusal{"[[host]]\nname = \"a\"\naliases = [3]",
                R"(anser.toml:3: host.aliases takes a domain such as "example.org", not 3)"}));

INSTANTIATE_TEST_SUITE_P(
    Together, ConfigRefuses,
    testing::Values(
        Refusal{"[xmpp]\nlisten = []\ntls_listen = []",
                "anser.toml:2: xmpp.listen and xmpp.tls_listen are both empty: nobody could connect"},
        Refusal{"[xmpp]\ntls_listen = [\"0.0.0.0:5222\"]",
                "anser.toml:2: xmpp.listen and xmpp.tls_listen both have 0.0.0.0:5222"},
        Refusal{"[xmpp]\nping_after = \"1h\"",
                "anser.toml:2: xmpp.silent_limit must be longer than xmpp.ping_after, or nobody has time to answer"},
        Refusal{"[auth]\nmechanisms = []", "anser.toml:2: auth.mechanisms is empty: nobody could log in"},
        Refusal{"[auth]\nplain_without_tls = true",
                "anser.toml:2: auth.plain_without_tls has no effect while xmpp.tls_required is true"},
        Refusal{"[limits]\nstanza_bytes = 10000",
                "anser.toml:2: limits.stanza_bytes_before_login must not be more than limits.stanza_bytes"},
        Refusal{"[limits]\ndepth_before_login = 65",
                "anser.toml:2: limits.depth_before_login must not be more than limits.depth"},
        Refusal{"[limits]\nelements_before_login = 20000",
                "anser.toml:2: limits.elements_before_login must not be more than limits.elements"},
        Refusal{"[limits]\nattributes = 8",
                "anser.toml:2: limits.attributes_before_login must not be more than limits.attributes"},
        Refusal{"[limits]\nnamespaces = 8",
                "anser.toml:2: limits.namespaces_before_login must not be more than limits.namespaces"},
        Refusal{"[limits]\nstanza_bytes = \"4MB\"",
                "anser.toml:2: limits.output_queue_bytes must hold at least one stanza of limits.stanza_bytes\n"
                "anser.toml:2: limits.unacked_bytes must hold at least one stanza of limits.stanza_bytes"},
        Refusal{"[[host]]\nname = \"a\"\n[[host]]\nname = \"A\"", R"(anser.toml:4: "a" names two hosts)"},
        Refusal{"[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\naliases = [\"a\"]",
                R"(anser.toml:5: "a" names two hosts)"},
        Refusal{"[[host]]\nname = \"a\"\ncertificate = \"a.pem\"",
                R"(anser.toml:3: host "a" has a certificate but no key)"},
        Refusal{"[[host]]\nname = \"a\"\nkey = \"a.key\"", R"(anser.toml:3: host "a" has a key but no certificate)"}));

TEST(Config, SaysWhereTheFileIsNotToml) {
  EXPECT_THAT(error_of("\n[a\n"), StartsWith("anser.toml:2: "));
  EXPECT_THAT(error_of("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"), StartsWith("anser.toml:3: "));
  EXPECT_THAT(error_of("[log]\nlevel = \"\xff\"\n"), StartsWith("anser.toml:2: "));
}

TEST(Config, ReportsAllThatIsWrongInTheOrderOfLines) {
  EXPECT_EQ(error_of("[xmpp]\nzz = 1\ntls_required = 2\n[auth]\nanonymous = 3\n"),
            "anser.toml:2: unknown key \"xmpp.zz\"\n"
            "anser.toml:3: xmpp.tls_required takes true or false, not 2\n"
            "anser.toml:5: auth.anonymous takes true or false, not 3");
}

TEST(Config, BoundsItsComplaints) {
  std::string text = "[limits]\n";
  for (int i = 0; i < 500; ++i) text += fmt::format("zzzzzzzzzzzz{} = 1\n", i);

  const std::string error = error_of(text);

  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 99);
}

TEST(Config, ShowsOnlyTheBeginningOfALongWrongValue) {
  const std::string error = error_of("[log]\nlevel = \"" + std::string(5'000, 'x') + "\"\n");

  EXPECT_LT(error.size(), 200u);
  EXPECT_THAT(error, HasSubstr("xxx…\""));
}

// ---- where values come from -----------------------------------------------------------------------------------------

TEST(Config, TellsTheOriginOfEachValue) {
  ConfigChoice choice;
  choice.data = "/elsewhere";
  const auto loaded = parse_config("[server]\ndata = \"/here\"\ncores = 2\n", "/etc/anser.toml", choice);

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.server.data, "/elsewhere");
  EXPECT_EQ(origin_of(*loaded, "server.data"), "command line");
  EXPECT_EQ(origin_of(*loaded, "server.cores"), "/etc/anser.toml:3");
  EXPECT_EQ(origin_of(*loaded, "server.workers"), "default");
}

TEST(Config, TheCommandLineIsStrongerThanTheEnvironment) {
  ConfigChoice choice;
  choice.environment_data = "/environment";
  EXPECT_EQ(origin_of(*parse_config("", "", choice), "server.data"), "environment");

  choice.data = "/command-line";
  EXPECT_EQ(parse_config("", "", choice)->config.server.data, "/command-line");
}

TEST(Config, AWrongDirectoryFromOutsideIsRefusedToo) {
  ConfigChoice choice;
  choice.data = "";

  const auto loaded = parse_config("", "", choice);

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "command line: server.data must not be empty");
}

TEST(Config, TheEnvironmentMayNameFileAndData) {
  setenv("ANSER_CONFIG", "/etc/x.toml", 1);
  setenv("ANSER_DATA", "", 1);  // empty is as good as none

  const ConfigChoice choice = ConfigChoice::from_environment();
  unsetenv("ANSER_CONFIG");
  unsetenv("ANSER_DATA");

  EXPECT_EQ(choice.environment_file, "/etc/x.toml");
  EXPECT_EQ(choice.environment_data, std::nullopt);
}

class ConfigFile : public testing::Test {
 protected:
  ConfigChoice write(std::string_view text) {
    std::ofstream{directory_ / "anser.toml"} << text;
    ConfigChoice choice;
    choice.file = (directory_ / "anser.toml").string();
    return choice;
  }

  test::TemporaryDirectory temporary_;
  std::filesystem::path directory_ = temporary_.path();
};

TEST_F(ConfigFile, IsRead) {
  const auto loaded = load_config(write("[server]\ncores = 3\n"));

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.server.cores, 3u);
  EXPECT_EQ(origin_of(*loaded, "server.cores"), (directory_ / "anser.toml:2").string());
}

TEST_F(ConfigFile, IsChosenByTheEnvironmentIfNotByTheCommandLine) {
  ConfigChoice choice = write("[server]\ncores = 3\n");
  std::swap(choice.file, choice.environment_file);

  EXPECT_EQ(load_config(choice)->config.server.cores, 3u);

  choice.file = "/nonexistent.toml";
  EXPECT_FALSE(load_config(choice));
}

TEST_F(ConfigFile, MustBeReadableAndAFileOfModestSize) {
  ConfigChoice missing, folder;
  missing.file = "/nonexistent/anser.toml";
  folder.file = directory_.string();

  EXPECT_EQ(load_config(missing).error().message,
            "cannot read the configuration /nonexistent/anser.toml: No such file or directory");
  EXPECT_THAT(load_config(folder).error().message, HasSubstr("it is not a file"));
  EXPECT_THAT(load_config(write(std::string(2 << 20, '#'))).error().message, HasSubstr("it is larger than 1MB"));
}

TEST(Config, PrintsWhatItCouldReadAgain) {
  const auto loaded = parse_config(
      "[registration]\ninstructions = \"say \\\"hello\\\"\\n\"\n[[host]]\nname = \"a\"\naliases = [\"x\"]\n"
      "[[host]]\nname = \"b\"\n[xmpp]\nlogin_timeout = \"1500ms\"\n[limits]\nstanza_bytes = 10001\n"
      "stanza_bytes_before_login = 10000\n",
      "anser.toml");
  ASSERT_TRUE(loaded);

  const std::string printed = print_settings(loaded->settings);
  const auto again = parse_config(printed, "printed.toml");

  EXPECT_THAT(printed, HasSubstr("[[host]]\nname = \"b\" "));
  EXPECT_THAT(printed, HasSubstr("# anser.toml:2\n"));
  EXPECT_THAT(printed, HasSubstr("# default\n"));
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->settings.size(), loaded->settings.size());
  for (std::size_t i = 0; i < loaded->settings.size(); ++i) {
    EXPECT_EQ(again->settings[i].value, loaded->settings[i].value) << loaded->settings[i].path;
  }
}

// ---- SIGHUP ---------------------------------------------------------------------------------------------------------

TEST(ConfigReload, TakesUpWhatItMayAndNamesTheRest) {
  const Config running = config_of("[xmpp]\nmax_resources = 5\n[server]\ncores = 1\n");
  const Config fresh = config_of("[xmpp]\nmax_resources = 9\n[server]\ncores = 2\n[log]\nlevel = \"debug\"\n");

  const Reloaded reloaded = take_up(running, fresh);

  EXPECT_EQ(reloaded.config.xmpp.max_resources, 9u);
  EXPECT_EQ(reloaded.config.log.level, log::Level::debug);
  EXPECT_EQ(reloaded.config.server.cores, 1u);
  EXPECT_THAT(reloaded.needs_restart, ElementsAre("server.cores"));
}

TEST(ConfigReload, TakesUpCertificatesOfTheSameHosts) {
  const Config running = config_of("[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\n");
  Config fresh = running;
  fresh.hosts[1].certificate = "b.pem";

  EXPECT_EQ(take_up(running, fresh).config.hosts[1].certificate, "b.pem");
  EXPECT_THAT(take_up(running, fresh).needs_restart, IsEmpty());
}

TEST(ConfigReload, LeavesHostsAloneWhenTheyAreOthers) {
  const Config running = config_of("[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\n");
  const Config swapped =
      config_of("[[host]]\nname = \"b\"\ncertificate = \"b.pem\"\nkey = \"b.key\"\n[[host]]\nname = \"a\"\n");

  const Reloaded reloaded = take_up(running, swapped);

  EXPECT_EQ(reloaded.config.hosts[0].name, "a");
  EXPECT_EQ(reloaded.config.hosts[0].certificate, "");
  EXPECT_THAT(reloaded.needs_restart, ElementsAre("host"));
}

TEST(ConfigReload, TakesUpOtherTokenKeys) {
  const Config running = config_of("[[token_key]]\nalgorithm = \"HS256\"\nfile = \"a\"\n");
  const Config fresh = config_of(
      "[[token_key]]\nalgorithm = \"EdDSA\"\nfile = \"b\"\nid = \"1\"\n"
      "[[token_key]]\nalgorithm = \"HS256\"\nfile = \"a\"\nencoding = \"base64url\"\n[tokens]\nissuer = \"i\"\n");

  const Reloaded reloaded = take_up(running, fresh);

  ASSERT_EQ(reloaded.config.token_keys.size(), 2u);
  EXPECT_EQ(reloaded.config.token_keys[0].algorithm, TokenAlgorithm::eddsa);
  EXPECT_EQ(reloaded.config.token_keys[1].encoding, SecretEncoding::base64url);
  EXPECT_EQ(reloaded.config.tokens.issuer, "i");
  EXPECT_THAT(reloaded.needs_restart, IsEmpty());
  EXPECT_TRUE(take_up(fresh, running).config.token_keys.size() == 1);
}

TEST(Config, ChecksWhatUploadsAreSetTo) {
  EXPECT_THAT(error_of("[uploads]\ncharset = \"klingon\""), HasSubstr("charset that ICU knows"));
  EXPECT_THAT(error_of("[uploads]\ncharset = \"UTF-7\""), HasSubstr("charset that ICU knows"));
  EXPECT_THAT(error_of("[uploads]\naddress = \"files.example.org\""), HasSubstr("https://files.example.org"));
  EXPECT_THAT(error_of("[uploads]\naddress = \"https://files.example.org/\""), HasSubstr("slash"));
  EXPECT_THAT(error_of("[uploads]\nform_bytes = \"50MB\""), HasSubstr("uploads.form_bytes must hold"));
  EXPECT_EQ(config_of("[uploads]\ncharset = \"GB2312\"").uploads.charset, "GB2312");
}

// ---- the schema itself ----------------------------------------------------------------------------------------------

// The defaults, and one row of each list of tables.
Config with_rows() {
  Config config;
  for (const Table& table : schema_tables()) {
    if (table.list()) set_rows(config, table.name, 1);
  }
  return config;
}

TEST(ConfigSchema, EveryDefaultIsAllowed) {
  for (const Key& key : schema()) {
    const std::string text = to_toml(key, key.get(with_rows(), 0));
    const auto document = toml::parse("x = " + text);
    ASSERT_TRUE(document) << key.path;
    const auto value = read_value(key, *document.table().get("x"));
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(*value, key.get(with_rows(), 0)) << key.path;
  }
}

TEST(ConfigSchema, EveryKeyReachesAMemberOfItsOwn) {
  for (const Key& changed : schema()) {
    Config config = with_rows();
    if (changed.type == KeyType::boolean) {
      changed.set(config, 0, !std::get<bool>(changed.get(config, 0)));
    } else if (std::holds_alternative<std::int64_t>(changed.get(config, 0))) {
      changed.set(config, 0, changed.range.max);
    } else if (changed.type == KeyType::choice) {
      const bool first = std::get<std::string>(changed.get(config, 0)) == changed.choices.front();
      changed.set(config, 0, std::string{first ? changed.choices.back() : changed.choices.front()});
    } else if (std::holds_alternative<std::string>(changed.get(config, 0))) {
      changed.set(config, 0, std::string{"changed"});
    } else {
      changed.set(config, 0, std::vector<std::string>{"127.0.0.1:1"});
    }
    for (const Key& key : schema()) {
      EXPECT_EQ(key.get(config, 0) == key.get(with_rows(), 0), key.path != changed.path)
          << changed.path << " " << key.path;
    }
  }
}

TEST(ConfigSchema, EveryKeyHasATableAndASentence) {
  std::set<std::string_view> paths;
  for (const Key& key : schema()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_TRUE(key.meaning.ends_with('.')) << key.path;
    const auto& tables = schema_tables();
    EXPECT_TRUE(std::any_of(tables.begin(), tables.end(), [&](const Table& t) { return t.name == key.table(); }));
  }
}

TEST(ConfigSchema, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(nearest("lisetn", {"listen", "tls_listen"}), "listen");
  EXPECT_EQ(nearest("LISTEN", {"listen", "tls_listen"}), "listen");
  EXPECT_EQ(nearest("xyz", {"listen", "tls_listen"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), {"listen"}), "");
}

TEST(ConfigurationPage, IsTheOneInTheRepository) {
  std::ifstream file{std::string{ANSER_TEST_DATA} + "/../../docs/configuration.md"};
  std::stringstream text;
  text << file.rdbuf();

  EXPECT_EQ(text.str(), configuration_page()) << "run: anser config docs > docs/configuration.md";
}

}  // namespace
}  // namespace anser::app
