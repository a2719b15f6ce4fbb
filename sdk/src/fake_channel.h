// A connection made of a script, for tests of what stands on Channel. The thread that made it is the loop's; it writes
// down what was sent and answers requests when told. destroy() is what Connection's destructor does: nothing of the
// application is called any more, what waits is dropped, and the memory stays until the test gives it back.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "anser/anser.h"
#include "sdk/src/channel.h"
#include "sdk/src/stanza_reader.h"

namespace anser::sdk {

// What the reader makes of "<message …>…</message>".
inline Message message_of(std::string xml) {
  xml.insert(std::string_view{"<message"}.size(), " xmlns='jabber:client'");
  return static_cast<Message&&>(*read_stanza(xml).value());
}

class FakeChannel final : public Channel, public std::enable_shared_from_this<FakeChannel> {
 public:
  struct Request {
    IQ iq;
    std::function<void(Result<IQ>)> done;
  };

  static std::shared_ptr<FakeChannel> make() { return std::make_shared<FakeChannel>(); }

  ConnectionConfiguration config{"example.org"};
  std::string full = "romeo@example.org/orchard";
  bool alive = true, connected = true, authenticated = true, secure = true;
  std::set<std::string, std::less<>> server_features, account_features, stream_features, bound;
  std::vector<std::string> sent;  // as XML, without requests
  std::vector<DeliveryListener> deliveries;
  std::deque<Request> requests;  // unanswered
  std::vector<std::string> complaints, thrown;
  std::string password;
  std::function<void(Message&)> before_sending;

  // Answers the oldest request.
  void answer(Result<IQ> result) {
    Request request = std::move(requests.front());
    requests.pop_front();
    request.done(std::move(result));
  }
  void answer() { answer(IQ::result_for(requests.front().iq)); }
  void answer(std::string_view payload) {
    answer(IQ::result_for(requests.front().iq, Element::parse(payload).value()));
  }
  void refuse(std::string condition) {
    answer(tl::make_unexpected(Error{Errc::stanza, "refused", std::move(condition)}));
  }
  // The request's payload, "" if there is none.
  std::string asked() const {
    const auto payload = requests.empty() ? std::nullopt : requests.front().iq.payload();
    return payload ? payload->to_xml() : std::string{};
  }

  void destroy() {
    alive = connected = authenticated = false;
    const auto dropped = std::exchange(requests, {});
    std::deque<std::function<void()>> works;
    const std::lock_guard lock{mutex_};
    works.swap(works_);
  }

  // Runs what other threads posted until one of it makes this true.
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) {
      std::unique_lock lock{mutex_};
      posted_.wait(lock, [&] { return !works_.empty(); });
      const auto work = std::move(works_.front());
      works_.pop_front();
      lock.unlock();
      if (alive && work) work();
    }
  }
  // Wakes run_until from another thread.
  void wake() { post({}); }

  const ConnectionConfiguration& configuration() const override { return config; }
  bool on_loop() const override { return std::this_thread::get_id() == loop_; }
  void run(std::function<void()> work) override {
    if (!on_loop()) return post(std::move(work));
    if (alive) work();
  }
  std::weak_ptr<Channel> weak() override { return weak_from_this(); }
  void call(const std::function<void()>& application) override {
    try {
      application();
    } catch (const std::exception& error) {
      thrown.emplace_back(error.what());
    }
  }
  bool is_alive() const override { return alive; }
  bool is_connected() const override { return connected; }
  bool is_authenticated() const override { return authenticated; }
  bool is_secure() const override { return secure; }
  const std::string& user() const override { return full; }
  bool has_server_feature(std::string_view feature) const override { return server_features.contains(feature); }
  bool has_account_feature(std::string_view feature) const override { return account_features.contains(feature); }
  bool has_stream_feature(std::string_view, std::string_view ns) const override { return stream_features.contains(ns); }
  bool has_bound(std::string_view ns) const override { return bound.contains(ns); }
  Result<void> send(const Stanza& stanza) override {
    if (!alive) return fail(Errc::closed, "destroyed");
    if (auto good = stanza.check(); !good) return good;
    sent.push_back(stanza.to_xml());
    return {};
  }
  Result<void> send(const Message& message, DeliveryListener listener) override {
    auto copy = message;
    if (before_sending) before_sending(copy);
    if (auto gone = send(static_cast<const Stanza&>(copy)); !gone) return gone;
    deliveries.push_back(std::move(listener));
    return {};
  }
  void request(IQ iq, std::function<void(Result<IQ>)> done, std::chrono::milliseconds = {}) override {
    requests.push_back({std::move(iq), std::move(done)});
  }
  void set_password(std::string fresh) override { password = std::move(fresh); }
  void complain(std::string line) override { complaints.push_back(std::move(line)); }

 private:
  void post(std::function<void()> work) {
    const std::lock_guard lock{mutex_};
    works_.push_back(std::move(work));
    posted_.notify_one();
  }

  const std::thread::id loop_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> works_;
};

}  // namespace anser::sdk
