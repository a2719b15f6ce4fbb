// sdk-bench-qxmpp: QXmpp in Qt's event loop, without a log and, where the defaults are not what is measured, without
// its extensions: so it fetches no roster. Stream management cannot be switched off in QXmpp 1.4.
#include <QXmppClient.h>
#include <QXmppClientExtension.h>
#include <QXmppConfiguration.h>
#include <QXmppMessage.h>
#include <fmt/format.h>

#include <QCoreApplication>
#include <QTimer>
#include <memory>

#include "trial.h"

namespace anser::sdk_bench {
namespace {

constexpr int kIdlePauseMs = 5;
constexpr std::size_t kNoLimit = 1'000'000;

// Qt wants the words of a command line; it gets a name only.
struct Loop {
  int count = 1;
  char name[16] = "sdk-bench-qxmpp";
  char* words[2] = {name, nullptr};
  QCoreApplication application{count, words};
};

QXmppConfiguration configure(const Options& options, std::size_t account, bool tls) {
  QXmppConfiguration configuration;
  configuration.setJid(QString::fromStdString(options.account(account) + "/bench"));
  configuration.setPassword(QString::fromStdString(options.password));
  configuration.setHost(QString::fromStdString(options.host));
  configuration.setPort(options.port);
  configuration.setStreamSecurityMode(tls ? QXmppConfiguration::TLSRequired : QXmppConfiguration::TLSDisabled);
  configuration.setIgnoreSslErrors(true);
  configuration.setAutoReconnectionEnabled(false);
  return configuration;
}

void remove_extensions(QXmppClient& client) {
  const auto extensions = client.extensions();
  for (QXmppClientExtension* extension : extensions) client.removeExtension(extension);
}

void end_with(QXmppClient& client) {
  QObject::connect(&client, &QXmppClient::error,
                   [](QXmppClient::Error error) { give_up(fmt::format("QXmpp reports error {}", int{error})); });
  QObject::connect(&client, &QXmppClient::disconnected, [] { give_up("QXmpp was disconnected"); });
}

void measure_echo(const Options& options) {
  Loop loop;
  Echo echo{options};
  QXmppClient client;
  remove_extensions(client);
  end_with(client);
  QString me;
  const auto send = [&] {
    while (echo.may_send()) {
      QXmppMessage message{{}, me, QString::fromStdString(echo.send())};
      message.setType(QXmppMessage::Chat);
      message.setId(QString::fromStdString(echo.id()));
      client.sendPacket(message);
    }
  };
  QObject::connect(&client, &QXmppClient::connected, [&] {
    me = client.configuration().jid();
    send();
  });
  QObject::connect(&client, &QXmppClient::messageReceived, [&](const QXmppMessage& message) {
    echo.came_back(message.body().toStdString());
    if (echo.done()) loop.application.quit();
    send();
  });
  client.connectToServer(configure(options, 0, options.tls));
  loop.application.exec();
  echo.finish();
}

void measure_idle(const Options& options) {
  Loop loop;
  Idle idle{options, kNoLimit};
  std::vector<std::unique_ptr<QXmppClient>> clients;
  const auto start = [&](std::size_t i) {
    auto client = std::make_unique<QXmppClient>();
    remove_extensions(*client);
    end_with(*client);
    QObject::connect(client.get(), &QXmppClient::connected, [&] { idle.ready(); });
    client->connectToServer(configure(options, i, options.tls));
    clients.push_back(std::move(client));
  };
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, [&] {
    if (!idle.proceed(start)) loop.application.quit();
  });
  timer.start(kIdlePauseMs);
  loop.application.exec();
  idle.finish();
}

void measure_connect(const Options& options) {
  Loop loop;
  Connect connect;
  QXmppClient client;
  end_with(client);
  QObject::connect(&client, &QXmppClient::connected, [&] {
    connect.ready();
    loop.application.quit();
  });
  client.connectToServer(configure(options, 0, /*tls=*/true));
  loop.application.exec();
  connect.finish();
}

}  // namespace
}  // namespace anser::sdk_bench

int main(int argc, char** argv) {
  using namespace anser::sdk_bench;
  return run(argc, argv, {measure_echo, measure_idle, measure_connect});
}
