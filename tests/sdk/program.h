// What the programs of tests/sdk share: words of the command line, results as lines, and the configuration that leads
// to a test's server.
#pragma once

#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "anser/anser.h"

namespace anser::tests {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// --name value … --flag
class Arguments {
 public:
  Arguments(int count, char** words) {
    for (int i = 1; i < count; ++i) {
      const std::string_view word = words[i];
      if (!word.starts_with("--")) throw Failure{"no option: " + std::string{word}};
      const bool valued = i + 1 < count && !std::string_view{words[i + 1]}.starts_with("--");
      given_[std::string{word.substr(2)}] = valued ? words[++i] : "";
    }
  }
  bool has(const std::string& name) const { return given_.contains(name); }
  std::string text(const std::string& name) const {
    const auto at = given_.find(name);
    if (at == given_.end()) throw Failure{"--" + name + " is missing"};
    return at->second;
  }
  std::string text(const std::string& name, std::string otherwise) const {
    return has(name) ? text(name) : std::move(otherwise);
  }
  int number(const std::string& name) const { return std::stoi(text(name)); }
  int number(const std::string& name, int otherwise) const { return has(name) ? number(name) : otherwise; }

 private:
  std::map<std::string, std::string> given_;
};

// One line, which the test looks up by its name. A name may be said several times.
template <class Value>
void say(std::string_view name, const Value& value) {
  std::cout << name << '=' << value << std::endl;
}
inline void say(std::string_view name, bool value) { say(name, value ? "true" : "false"); }

inline std::string in_words(const sdk::Error& error) {
  const std::string condition = error.condition.empty() ? "" : " " + error.condition;
  return std::string{sdk::name_of(error.code)} + condition;
}

template <class T>
std::string outcome_of(const sdk::Result<T>& result) {
  return result ? "ok" : in_words(result.error());
}

inline void must(const sdk::Result<void>& result, std::string_view what) {
  if (!result) throw Failure{std::string{what} + ": " + result.error().message};
}
template <class T>
T must(sdk::Result<T> result, std::string_view what) {
  if (!result) throw Failure{std::string{what} + ": " + result.error().message};
  return std::move(*result);
}

inline sdk::ConnectionConfiguration configuration_from(const Arguments& given, const std::string& port = "port") {
  sdk::ConnectionConfiguration configuration{given.text("host", "127.0.0.1"),
                                             static_cast<std::uint16_t>(given.number(port)),
                                             given.text("service", "localhost")};
  configuration.tls.truststore_path = given.text("truststore");
  configuration.tls.truststore_type = given.text("truststore-type", "PEM");
  configuration.tls.truststore_password = given.text("truststore-password", "");
  if (given.has("debug")) configuration.debugger = must(sdk::debug_to_file(given.text("debug") + "." + port), "debug");
  return configuration;
}

// main() without what every one of them would say.
template <class Run>
int run_program(int count, char** words, Run run) {
  try {
    run(Arguments{count, words});
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
}

}  // namespace anser::tests
