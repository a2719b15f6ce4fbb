#include "net/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>

#include "base/log.h"
#include "net/test_support.h"
#include "net/within.h"

namespace anser::net {
namespace {

Task<void> ask(Workers& workers, Core& core) {
  const auto caller = std::this_thread::get_id();
  auto where = [] { return std::this_thread::get_id(); };
  const auto worked_on = co_await run_on(workers, std::move(where));
  EXPECT_TRUE(worked_on);
  EXPECT_NE(*worked_on, caller);
  EXPECT_EQ(std::this_thread::get_id(), caller);
  EXPECT_EQ(Core::current(), &core);

  auto refuse = []() -> Result<std::unique_ptr<int>> { return fail(Errc::not_found, "nothing here"); };
  const auto refused = co_await run_on(workers, std::move(refuse));
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::not_found);

  auto nothing = [] {};
  const Result<void> done = co_await run_on(workers, std::move(nothing));
  EXPECT_TRUE(done);
}

TEST(Workers, RunWorkElsewhereAndResumeOnTheCallersCore) {
  Loop loop;
  Workers workers{2, 10};

  loop.run(ask(workers, loop.core));
}

Task<void> ask_for_trouble(Workers& workers, bool& caught) {
  auto throws = []() -> int { throw std::runtime_error{"from the worker"}; };
  try {
    const auto result = co_await run_on(workers, std::move(throws));
    EXPECT_FALSE(result);
  } catch (const std::runtime_error&) {
    caught = true;
  }
}

TEST(Workers, CarryAnExceptionBackToTheCaller) {
  Loop loop;
  Workers workers{1, 10};
  bool caught = false;

  loop.run(ask_for_trouble(workers, caught));

  EXPECT_TRUE(caught);
}

Task<void> ask_when_full(Workers& workers) {
  auto answer = [] { return 42; };
  const auto result = co_await run_on(workers, std::move(answer));
  EXPECT_EQ(result, (fail(Errc::resource_limit, "too much work is waiting")));
}

TEST(Workers, RefuseWhatDoesNotFitTheQueue) {
  Loop loop;
  Workers workers{1, 1};
  std::latch started{1}, go_on{1};
  ASSERT_TRUE(workers.submit([&] {
    started.count_down();
    go_on.wait();
  }));
  started.wait();
  ASSERT_TRUE(workers.submit([] {}));

  EXPECT_FALSE(workers.submit([] {}));
  loop.run(ask_when_full(workers));

  go_on.count_down();
}

Task<void> ask_in_vain(Workers& workers, Core& core, bool& resumed) {
  auto never = [] { ADD_FAILURE() << "dropped work ran"; };
  const auto result = co_await run_on(workers, std::move(never));
  EXPECT_FALSE(result);
  EXPECT_EQ(Core::current(), &core);
  resumed = true;
}

TEST(Workers, DroppedWorkResumesItsCoroutineOnItsCore) {
  Loop loop;
  Workers workers{1, 1'000'000'000};
  std::latch started{1}, go_on{1};
  ASSERT_TRUE(workers.submit([&] {
    started.count_down();
    go_on.wait();
  }));
  started.wait();
  std::jthread stopper;
  bool resumed = false;
  boost::asio::co_spawn(loop.core.io(), ask_in_vain(workers, loop.core, resumed),
                        [&](std::exception_ptr) { loop.core.stop(); });
  boost::asio::post(loop.core.io(), [&] {
    stopper = std::jthread{[&] { workers.stop(); }};
    while (workers.submit([] {})) std::this_thread::yield();  // until stop() has begun
    go_on.count_down();
  });

  loop.core.run();

  EXPECT_TRUE(resumed);
}

TEST(Workers, TakeNothingAfterStop) {
  Workers workers{1, 10};
  workers.stop();

  EXPECT_FALSE(workers.submit([] {}));
}

// within ------------------------------------------------------------------------------------------------------------

Task<Result<int>> answer(int value) { co_return value; }

Task<Result<int>> answer_too_late() {
  co_await pause_for(std::chrono::hours{1});
  co_await pause_for(std::chrono::hours{1});
  co_return 42;
}

Task<Result<int>> throw_instead() {
  throw std::runtime_error{"from the task"};
  co_return 42;
}

struct Immovable {
  explicit Immovable(int value) : value(value) {}  // no default constructor
  int value;
};

Task<Result<Immovable>> answer_with_a_value() { co_return Immovable{7}; }

Task<void> wait_for_answers(bool& caught) {
  const auto in_time = co_await within(std::chrono::seconds{50}, answer(42));
  EXPECT_TRUE(in_time);
  EXPECT_EQ(*in_time, 42);

  const auto value = co_await within(std::chrono::seconds{50}, answer_with_a_value());
  EXPECT_EQ(value->value, 7);

  const auto late = co_await within(std::chrono::milliseconds{1}, answer_too_late());
  EXPECT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);

  try {
    const auto never = co_await within(std::chrono::seconds{50}, throw_instead());
    EXPECT_FALSE(never);
  } catch (const std::runtime_error&) {
    caught = true;
  }
}

TEST(Within, GivesTheAnswerOrATimeout) {
  Loop loop;
  bool caught = false;

  loop.run(wait_for_answers(caught));

  EXPECT_TRUE(caught);
}

Task<Result<int>> wait_patiently(bool& ended) {
  auto answer = within(std::chrono::hours{1}, answer_too_late());
  const auto late = co_await std::move(answer);
  ended = true;
  co_return late;
}

Task<void> wait_impatiently(bool& ended) {
  const auto late = co_await within(std::chrono::milliseconds{1}, wait_patiently(ended));
  EXPECT_FALSE(late);
  EXPECT_EQ(late.error(), (Error{Errc::timeout, "not done within 1 ms"}));
}

TEST(Within, EndsAnotherThatItContains) {
  Loop loop;
  bool answered = false;

  loop.run(wait_impatiently(answered));

  EXPECT_FALSE(answered);
}

Task<void> read_within(Connection& connection) {
  const auto input = co_await within(std::chrono::milliseconds{1}, connection.read());
  EXPECT_FALSE(input);
  EXPECT_EQ(input.error().code, Errc::timeout);
}

TEST(Within, EndsAReadThatTakesTooLong) {
  Loop loop;
  auto [ours, theirs] = local_pair();
  Connection connection{loop.core, std::move(ours)};

  loop.run(read_within(connection));

  EXPECT_FALSE(connection.closed());
}

Task<void> throw_up() {
  throw std::runtime_error{"nobody catches this"};
  co_return;
}

std::vector<std::string> logged;
void note(log::Level, std::string_view, std::string_view line) { logged.emplace_back(line); }

TEST(Spawn, LogsAnExceptionThatEscapes) {
  Core core{0};
  log::set_sink(&note);
  spawn(core.io(), throw_up());

  core.io().poll();

  EXPECT_THAT(logged, testing::ElementsAre(testing::HasSubstr("nobody catches this")));
}

}  // namespace
}  // namespace anser::net
