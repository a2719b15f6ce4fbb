// iq HOST PORT CERTIFICATES: questions and answers.
#include "example.h"

using namespace example;

int main(int, char** arguments) {
  sdk::Connection romeo{configuration(arguments)}, juliet{configuration(arguments)};

  // [handler]
  juliet.add_feature("urn:example:mood");
  juliet.set_iq_handler("mood", "urn:example:mood", [](const sdk::IQ& question) {
    return sdk::IQ::result_for(question, sdk::Element{"mood", "urn:example:mood"}.add_text("in love"));
  });
  // [/handler]
  need(juliet.connect());
  need(juliet.login("juliet", "secret"));
  need(romeo.connect());
  need(romeo.login("romeo", "secret"));

  // [future]
  const sdk::Element question{"mood", "urn:example:mood"};
  std::future<sdk::Result<sdk::IQ>> answer = romeo.request({sdk::IQ::Type::get, question, juliet.user()});
  std::cout << "juliet is " << need(answer.get()).payload()->text() << '\n';
  // [/future]

  Awaited<std::string> version;
  // [callback]
  const sdk::Element ask_version{"query", "jabber:iq:version"};
  romeo.request(
      {sdk::IQ::Type::get, ask_version, "localhost"},
      [&](sdk::Result<sdk::IQ> answer) {
        version.set(answer ? answer->payload()->child_text("name") : answer.error().message);
      },
      std::chrono::seconds{5});
  // [/callback]
  std::cout << "the server is " << version.get() << '\n';

  // [error]
  const auto refused = romeo.request({sdk::IQ::Type::get, question, "localhost"}).get();
  if (!refused) std::cout << name_of(refused.error().code) << ' ' << refused.error().condition << '\n';
  // [/error]
  romeo.disconnect();
  juliet.disconnect();
}
