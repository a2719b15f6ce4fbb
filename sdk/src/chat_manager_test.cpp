#include <gmock/gmock.h>

#include <thread>

#include "anser/chat.h"
#include "sdk/src/chat_states.h"
#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kStates = "xmlns='http://jabber.org/protocol/chatstates'";
constexpr std::string_view kActive = "<active xmlns='http://jabber.org/protocol/chatstates'/>";

class ChatTest : public ::testing::Test {
 protected:
  ChatTest() {
    chats->add_chat_listener([this](Chat& chat, bool locally) {
      log.push_back((locally ? "made " : "new ") + chat.participant());
      chat.add_message_listener(listener());
      chat.add_state_listener([this](Chat& told, ChatState state) {
        log.push_back(told.participant() + " is " + std::string{name_of(state)});
      });
    });
  }

  Chat::MessageListener listener() {
    return [this](Chat& chat, const Message& message) { log.push_back(chat.participant() + ": " + message.body()); };
  }

  bool hear(const std::string& from, const std::string& inner, const std::string& type = "chat") {
    return ManagerAccess::extension(*chats).on_message(
        message_of("<message from='" + from + "' type='" + type + "'>" + inner + "</message>"));
  }
  static std::string text(const std::string& body, const std::string& thread = {}) {
    return "<body>" + body + "</body>" + (thread.empty() ? "" : "<thread>" + thread + "</thread>");
  }
  static std::string state(std::string_view name) { return fmt::format("<{} {}/>", name, kStates); }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<ChatManager> chats = ManagerAccess::make<ChatManager>(*channel);
  std::vector<std::string> log;
};

TEST_F(ChatTest, BelongsToTheMessagesOfItsThreadThenOfItsAddress) {
  chats->create_chat("a@x/full", "t1", {});
  chats->create_chat("a@x", "t2", {});
  chats->create_chat("b@x/other", "t3", {});
  log.clear();

  hear("c@x/z", text("by thread", "t1"));
  hear("a@x/full", text("by full address"));
  hear("a@x/else", text("by bare address", "unknown"));
  hear("b@x", text("by bare address"));
  hear("B@X/any", text("prepared"));

  EXPECT_THAT(log, ElementsAre("a@x/full: by thread", "a@x/full: by full address", "a@x: by bare address",
                               "b@x/other: by bare address", "b@x/other: prepared"));
}

TEST_F(ChatTest, BeginsWithAMessageThatBelongsToNone) {
  EXPECT_FALSE(hear("a@x/r", text("hello", "their-thread")));
  hear("b@x/r", text("hi"), "normal");
  EXPECT_THAT(log, ElementsAre("new a@x/r", "a@x/r: hello", "new b@x/r", "b@x/r: hi"));
  EXPECT_EQ(chats->thread_chat("their-thread")->participant(), "a@x/r");

  log.clear();
  hear("a@x/r", text("again", "their-thread"));
  hear("b@x/r", text("again"));
  EXPECT_THAT(log, ElementsAre("a@x/r: again", "b@x/r: again"));
}

TEST_F(ChatTest, TakesNoMessagesOfRoomsNorHeadlinesNorWithoutASender) {
  hear("room@x/nick", text("hi"), "groupchat");
  hear("news@x", text("hi"), "headline");
  hear("", text("hi"));
  hear("@", text("hi"));

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ChatTest, HearsOfErrorsOfItsThreadOnly) {
  const auto chat = chats->create_chat("a@x", "t1", {});
  log.clear();
  hear("a@x", text("bounced", "t1"), "error");
  hear("a@x", text("bounced"), "error");
  hear("z@x", text("bounced", "t9"), "error");

  EXPECT_THAT(log, ElementsAre("a@x: bounced"));
}

TEST_F(ChatTest, DoesNotBeginWithANotice) {
  hear("a@x/r", state("composing"));
  hear("a@x/r", "<received xmlns='urn:xmpp:receipts' id='1'/><store xmlns='urn:xmpp:hints'/>");
  hear("a@x/r", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>");
  EXPECT_THAT(log, IsEmpty());

  hear("a@x/r", "<properties xmlns='http://www.jivesoftware.com/xmlns/xmpp/properties'/>");
  EXPECT_THAT(log, ElementsAre("new a@x/r", "a@x/r: "));
}

TEST_F(ChatTest, HasARandomThreadUnlessItIsGivenOne) {
  const auto a = chats->create_chat("a@x");
  const auto b = chats->create_chat("a@x");
  const auto c = chats->create_chat("a@x", "mine", {});

  EXPECT_GE(a.thread().size(), 16U);
  EXPECT_NE(a.thread(), b.thread());
  EXPECT_EQ(c.thread(), "mine");
  EXPECT_THAT(log, ElementsAre("made a@x", "made a@x", "made a@x"));
  EXPECT_TRUE(*chats->thread_chat(a.thread()) == a);
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(chats->thread_chat("nobody's"));
  EXPECT_FALSE(chats->thread_chat(""));
}

TEST_F(ChatTest, TakesOverAThread) {
  chats->create_chat("a@x", "t", {});
  chats->create_chat("b@x", "t", {});
  log.clear();

  hear("c@x", text("hi", "t"));
  hear("a@x", text("hi"));

  EXPECT_THAT(log, ElementsAre("b@x: hi", "new a@x", "a@x: hi"));
}

TEST_F(ChatTest, SendsToItsParticipantInItsThread) {
  auto chat = chats->create_chat("a@x/r", "t1", {});
  ASSERT_TRUE(chat.send("<hi>"));
  Message message{"elsewhere@x", Message::Type::headline};
  message.set_subject("s");
  message.set_thread("other");
  ASSERT_TRUE(chat.send(std::move(message)));

  EXPECT_THAT(channel->sent[0], HasSubstr("to='a@x/r'"));
  EXPECT_THAT(channel->sent[0], HasSubstr("type='chat'"));
  EXPECT_THAT(channel->sent[0], HasSubstr("<body>&lt;hi&gt;</body>"));
  EXPECT_THAT(channel->sent[0], HasSubstr("<thread>t1</thread>"));
  EXPECT_THAT(channel->sent[1], HasSubstr("<thread>t1</thread>"));
  EXPECT_THAT(channel->sent[1], HasSubstr("to='a@x/r'"));
  EXPECT_THAT(channel->sent[1], HasSubstr("type='chat'"));
}

TEST_F(ChatTest, TellsABadAddressWhenAMessageIsSent) {
  auto chat = chats->create_chat("@");

  EXPECT_EQ(chat.send("hi").error().code, Errc::invalid_argument);
  EXPECT_EQ(chat.set_state(ChatState::composing).error().code, Errc::invalid_argument);
}

TEST_F(ChatTest, PassesTheDeliveryListenerOn) {
  auto chat = chats->create_chat("a@x");
  std::string told;
  ASSERT_TRUE(chat.send("hi", [&](const Delivery& delivery) { told = delivery.id; }));
  channel->deliveries.at(0)(Delivery{Delivery::Outcome::stored, "id1"});

  EXPECT_EQ(told, "id1");
}

// XEP-0085 §5.1 and §7.
TEST_F(ChatTest, ShowsChatStatesUntilAnAnswerComesWithoutOne) {
  auto chat = chats->create_chat("a@x", "t", {});
  chat.send("one");
  chat.send("two");
  chat.set_state(ChatState::composing);
  hear("a@x/r", text("no states", "t"));
  chat.send("three");
  chat.set_state(ChatState::composing);

  ASSERT_THAT(channel->sent, SizeIs(3));
  EXPECT_THAT(channel->sent[0], HasSubstr(kActive));
  EXPECT_THAT(channel->sent[1], HasSubstr(kActive));
  EXPECT_THAT(channel->sent[2], Not(HasSubstr("chatstates")));
}

TEST_F(ChatTest, TellsStatesToWhoHasThem) {
  auto chat = chats->create_chat("a@x", "t", {});
  hear("a@x/r", text("hi", "t") + state("active"));
  log.clear();
  chat.set_state(ChatState::composing);
  chat.set_state(ChatState::composing);
  chat.set_state(ChatState::paused);
  hear("a@x/r", "<thread>t</thread>" + state("composing"));

  EXPECT_THAT(
      channel->sent,
      ElementsAre("<message to='a@x' type='chat'><thread>t</thread><composing xmlns='http://jabber.org/protocol/"
                  "chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>",
                  HasSubstr("<paused")));
  EXPECT_THAT(log, ElementsAre("a@x is composing"));
}

TEST_F(ChatTest, TellsNoStateThatNobodyCanHearNow) {
  auto chat = chats->create_chat("a@x", "t", {});
  hear("a@x/r", state("active"));
  channel->authenticated = false;

  EXPECT_TRUE(chat.set_state(ChatState::composing));
  EXPECT_THAT(channel->sent, IsEmpty());
}

TEST_F(ChatTest, DoesNotTellStatesThatAreLongOver) {
  const auto chat = chats->create_chat("a@x", "t", {});
  log.clear();
  hear("a@x/r", text("hi") + state("active") + "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>");

  EXPECT_THAT(log, ElementsAre("a@x: hi"));
}

TEST_F(ChatTest, TakesAStateOfTheApplicationsOwn) {
  auto chat = chats->create_chat("a@x", "t", {});
  Message message;
  message.set_body("bye");
  message.add_extension(Element{"gone", kChatStatesNs});
  chat.send(std::move(message));
  chat.send("back");

  EXPECT_THAT(channel->sent[0], Not(HasSubstr("<active")));
  EXPECT_THAT(channel->sent[1], Not(HasSubstr("<thread>t</thread>")));
}

TEST_F(ChatTest, HasANewThreadOnceTheOtherSideIsGone) {
  auto chat = chats->create_chat("a@x", "t", {});
  hear("a@x/r", "<thread>t</thread>" + state("gone"));
  EXPECT_EQ(chat.thread(), "t");
  chat.send("still there?");
  const auto fresh = chat.thread();
  EXPECT_NE(fresh, "t");
  EXPECT_THAT(channel->sent.back(), HasSubstr("<thread>" + fresh + "</thread>"));

  log.clear();
  hear("z@x", text("yes", fresh));
  EXPECT_THAT(log, ElementsAre("a@x: yes"));
  EXPECT_FALSE(chats->thread_chat("t"));
  chat.send("good");
  EXPECT_EQ(chat.thread(), fresh);
}

TEST_F(ChatTest, SaysGoneWhenItIsClosedToWhoKnowsItIsThere) {
  auto silent = chats->create_chat("s@x", "s", {});
  hear("s@x", text("hi", "s") + state("active"));
  silent.close();
  EXPECT_THAT(channel->sent, IsEmpty());

  auto chat = chats->create_chat("a@x", "t", {});
  hear("a@x", text("hi", "t") + state("active"));
  chat.send("hi");
  chat.close();
  chat.close();
  EXPECT_THAT(channel->sent, ElementsAre(HasSubstr("<active"), HasSubstr("<gone")));
}

TEST_F(ChatTest, IsForgottenWhenItIsClosed) {
  auto old = chats->create_chat("a@x", "old", {});
  auto chat = chats->create_chat("a@x", "t", {});
  chat.close();
  log.clear();
  hear("a@x", text("to the older one"));
  old.close();
  hear("a@x", text("hi", "t"));

  EXPECT_THAT(log, ElementsAre("a@x: to the older one", "new a@x", "a@x: hi"));
  EXPECT_FALSE(*chats->thread_chat("t") == chat);
}

TEST_F(ChatTest, IsForgottenWhenItWasSilentForLongest) {
  auto first = chats->create_chat("a0@x", "t0", {});
  for (std::size_t i = 1; i < 1'024; ++i) chats->create_chat(fmt::format("a{}@x", i), fmt::format("t{}", i), {});
  first.send("still here");
  hear("a1@x", text("me too", "t1"));
  chats->create_chat("more@x", "more", {});

  EXPECT_TRUE(chats->thread_chat("t0"));
  EXPECT_TRUE(chats->thread_chat("t1"));
  EXPECT_FALSE(chats->thread_chat("t2"));
  EXPECT_TRUE(chats->thread_chat("more"));
  log.clear();
  hear("a2@x", text("hi"));
  EXPECT_THAT(log, ElementsAre("new a2@x", "a2@x: hi"));
}

TEST_F(ChatTest, GoesOnAfterListenersThatThrowOrRemoveThemselvesOrCloseIt) {
  auto chat = chats->create_chat("a@x", "t", [](Chat&, const Message&) { throw std::runtime_error("oops"); });
  ListenerId once = 0;
  once = chat.add_message_listener([&](Chat& told, const Message&) {
    log.emplace_back("once");
    told.remove_listener(once);
    told.close();
  });
  chat.add_message_listener(listener());
  log.clear();

  hear("a@x", text("hi", "t"));
  EXPECT_THAT(channel->thrown, ElementsAre("oops"));
  EXPECT_THAT(log, ElementsAre("a@x: hi", "once", "a@x: hi"));

  log.clear();
  hear("a@x", text("hi", "t"));
  EXPECT_THAT(log, ElementsAre("new a@x", "a@x: hi"));
}

TEST_F(ChatTest, TellsNobodyOnceAListenerDestroyedTheConnection) {
  auto chat = chats->create_chat("a@x", "t", [this](Chat&, const Message&) { channel->destroy(); });
  chat.add_message_listener(listener());
  chat.add_state_listener([this](Chat&, ChatState) { log.emplace_back("state"); });
  log.clear();

  hear("a@x", text("hi", "t") + state("active"));

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ChatTest, GivesNoMessageToAChatWhoseListenerDestroyedTheConnection) {
  chats->add_chat_listener([this](Chat&, bool) { channel->destroy(); });
  hear("a@x", text("hi"));

  EXPECT_THAT(log, ElementsAre("new a@x"));
}

TEST_F(ChatTest, OutlivesItsConnection) {
  auto chat = chats->create_chat("a@x", "t", {});
  hear("a@x", text("hi", "t") + state("active"));
  chats.reset();
  channel.reset();

  EXPECT_EQ(chat.send("hi").error().code, Errc::closed);
  EXPECT_EQ(chat.set_state(ChatState::composing).error().code, Errc::closed);
  EXPECT_EQ(chat.participant(), "a@x");
  EXPECT_EQ(chat.thread(), "t");
  chat.add_message_listener(listener());
  chat.close();
}

TEST_F(ChatTest, LetsGoOfWhatListenersHoldWithTheConnection) {
  const auto held = std::make_shared<int>();
  {
    auto chat = chats->create_chat("a@x");
    chat.add_message_listener([chat, held](Chat&, const Message&) {});  // holds itself
    chats->add_chat_listener([held](Chat&, bool) {});
  }
  chats.reset();

  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(ChatTest, IsToldOnTheLoopWhenItIsMadeElsewhere) {
  std::thread::id where;
  chats->add_chat_listener([&](Chat&, bool) { where = std::this_thread::get_id(); });
  std::thread maker{[&] { chats->create_chat("a@x", "t", {}); }};
  channel->run_until([&] { return where != std::thread::id{}; });
  maker.join();

  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(ChatTest, MayBeUsedByManyThreads) {
  auto chat = chats->create_chat("a@x", "t", {});
  std::vector<std::thread> threads;
  std::atomic<int> left = 4;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 100; ++n) {
        auto own = chats->create_chat("b@x", fmt::format("{}-{}", i, n), {});
        const auto id = chat.add_message_listener([](Chat&, const Message&) {});
        static_cast<void>(chat.set_state(n % 2 == 0 ? ChatState::composing : ChatState::gone));
        static_cast<void>(chats->thread_chat(chat.thread()));
        chat.remove_listener(id);
        own.close();
      }
      --left;
      channel->wake();
    });
  }
  for (int n = 0; n < 100; ++n) hear("a@x", text("hi", "t") + state("active"));
  channel->run_until([&] { return left == 0; });
  for (auto& thread : threads) thread.join();

  EXPECT_TRUE(chats->thread_chat("t"));
}

}  // namespace
}  // namespace anser::sdk
