// docs/xeps.md is made from features.def; what stands there is what the program serves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <tuple>

#include "tests/support/fake_domain.h"
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

struct Row {
  int xep;
  std::string version, title, where;
};

std::vector<Row> spoken() {
  std::vector<Row> rows;
#define ANSER_FEATURE(name)
#define ANSER_SPOKEN(xep, version, title, where) rows.push_back({xep, version, title, where});
#include "xmpp/features.def"
#undef ANSER_FEATURE
  return rows;
}

std::vector<std::string> files() {
  return {
#define ANSER_FEATURE(name) #name ".cpp",
#include "xmpp/features.def"
#undef ANSER_FEATURE
  };
}

// A core's features over surroundings that nobody asks for anything.
class FeaturesTest : public testing::Test {
 protected:
  std::string page() const {
    std::vector<Row> rows = spoken();
    const auto names = files();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const FeatureInfo& info = features_.all()[i].info;
      rows.push_back({info.xep, std::string{info.version}, std::string{info.title}, "features/" + names[i]});
    }
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.xep < b.xep; });
    std::string text =
        "<!-- Made from src/xmpp/features.def: `ANSER_WRITE_DOCS=1 build/release/bin/xmpp_test "
        "--gtest_filter=*DocumentsEveryXep`. -->\n"
        "# What is spoken\n\n"
        "RFC 6120, RFC 6121, RFC 7395, RFC 7590 and RFC 7622, with these extensions. Files are below `src/xmpp` unless "
        "a layer is named. How each\nstands on the wire is in [wire/xmpp.md](wire/xmpp.md).\n\n"
        "| XEP | version | title | where |\n| --- | --- | --- | --- |\n";
    for (const Row& row : rows) {
      text += row.xep ? fmt::format("| [{0:04}](https://xmpp.org/extensions/xep-{0:04}.html) ", row.xep) : "| ";
      text += fmt::format("| {} | {} | {} |\n", row.version, row.title, row.where);
    }
    return text;
  }

  domain::FakeAccounts accounts_;
  domain::FakeStorage storage_{accounts_};
  domain::FakeLog log_;
  domain::FakePost post_;
  domain::FakeClock clock_;
  domain::Hosts hosts_{{{"localhost", {}}}, {}};
  LoginGuard guard_{LoginGuard::Limits{}};
  net::Cores cores_{1};
  net::Workers workers_{1, 1};
  Shared shared_{{cores_, workers_, storage_, post_, clock_, hosts_, guard_, "secret"}};
  domain::Router router_{0, 1, hosts_, storage_, log_, post_, clock_};
  Services services_{shared_, cores_.at(0), router_};
  Features features_{services_};
};

TEST_F(FeaturesTest, DocumentsEveryXep) {
  const std::string path = std::string{ANSER_TEST_DATA} + "/../../docs/xeps.md";
  if (std::getenv("ANSER_WRITE_DOCS")) std::ofstream{path} << page();
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();

  EXPECT_EQ(text.str(), page()) << "run this test with ANSER_WRITE_DOCS=1";
}

TEST_F(FeaturesTest, EveryFeatureSaysWhatItIs) {
  for (const Feature& feature : features_.all()) {
    EXPECT_FALSE(feature.info.title.empty());
    EXPECT_EQ(feature.info.xep == 0, feature.info.version.empty()) << feature.info.title;
  }
}

// Two handlers for one request would leave it to chance who answers.
TEST_F(FeaturesTest, NoRequestIsAnsweredTwice) {
  for (const Scope scope : {Scope::host, Scope::own, Scope::account}) {
    std::vector<std::tuple<domain::Type, std::string, std::string>> seen;
    for (const Feature& feature : features_.all()) {
      for (const auto& entry : feature.entries) {
        if (!covers(entry.scope, scope)) continue;
        std::tuple key{entry.type, std::string{entry.name.ns}, std::string{entry.name.local}};
        EXPECT_EQ(std::count(seen.begin(), seen.end(), key), 0) << feature.info.title << ": " << entry.name.local;
        seen.push_back(std::move(key));
      }
    }
  }
}

// XEP-0030 §3.1: whoever answers discovery says so, and nothing is said twice.
TEST_F(FeaturesTest, DiscoveryNamesEachNamespaceOnce) {
  for (const Scope scope : {Scope::host, Scope::own}) {
    auto names = features_.disco(scope);
    EXPECT_NE(std::find(names.begin(), names.end(), "http://jabber.org/protocol/disco#info"), names.end());
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  }
}

}  // namespace
}  // namespace anser::xmpp
