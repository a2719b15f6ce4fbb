#include "sdk/src/chat_states.h"

#include <gtest/gtest.h>

#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

TEST(ChatStates, SayActiveWithMessagesUntilTheOtherSideAnswers) {
  ChatStates states;
  EXPECT_TRUE(states.says_active());
  EXPECT_FALSE(states.may_say(ChatState::composing));

  states.heard(std::nullopt, /*with_message=*/true);
  EXPECT_FALSE(states.says_active());
  EXPECT_FALSE(states.may_say(ChatState::composing));
}

TEST(ChatStates, AreSaidToWhoSaysThem) {
  ChatStates states;
  states.heard(ChatState::active, true);
  EXPECT_TRUE(states.says_active());
  EXPECT_TRUE(states.may_say(ChatState::composing));

  // Example 9 of the XEP: not every message of such a side tells one.
  states.heard(std::nullopt, true);
  EXPECT_TRUE(states.says_active());
}

TEST(ChatStates, BeginWithANotificationAlone) {
  ChatStates states;
  states.heard(std::nullopt, true);
  states.heard(ChatState::composing, false);

  EXPECT_TRUE(states.says_active());
  EXPECT_TRUE(states.may_say(ChatState::paused));
}

TEST(ChatStates, AreNotTakenForMissingWhereThereWasNoMessage) {
  ChatStates states;
  states.heard(std::nullopt, /*with_message=*/false);

  EXPECT_TRUE(states.says_active());
}

TEST(ChatStates, AreNotSaidTwiceInARow) {
  ChatStates states;
  states.heard(ChatState::active, true);
  states.said(ChatState::composing);
  EXPECT_FALSE(states.may_say(ChatState::composing));
  EXPECT_TRUE(states.may_say(ChatState::paused));

  states.said(ChatState::active);
  EXPECT_TRUE(states.may_say(ChatState::composing));
}

TEST(ChatStates, EndTheThreadWhenOneOfTheTwoIsGone) {
  ChatStates states;
  states.heard(ChatState::gone, false);
  EXPECT_TRUE(states.is_over());
  states.begin_again();
  EXPECT_FALSE(states.is_over());

  states.said(ChatState::gone);
  EXPECT_TRUE(states.is_over());
}

TEST(ChatStates, SayGoneOnlyToWhoHeardOfUs) {
  ChatStates states;
  EXPECT_FALSE(states.may_leave());
  states.heard(ChatState::active, true);
  EXPECT_FALSE(states.may_leave());
  states.said(ChatState::active);
  EXPECT_TRUE(states.may_leave());
  states.said(ChatState::gone);
  EXPECT_FALSE(states.may_leave());
}

TEST(ChatStates, AreReadFromMessages) {
  const std::string ns = "xmlns='http://jabber.org/protocol/chatstates'";
  EXPECT_EQ(chat_state_of(message_of("<message><composing " + ns + "/></message>")), ChatState::composing);
  EXPECT_EQ(chat_state_of(message_of("<message><gone " + ns + "/></message>")), ChatState::gone);
  EXPECT_EQ(chat_state_of(message_of("<message><bored " + ns + "/></message>")), std::nullopt);
  EXPECT_EQ(chat_state_of(message_of("<message><composing xmlns='other'/></message>")), std::nullopt);
  for (const auto state :
       {ChatState::active, ChatState::composing, ChatState::paused, ChatState::inactive, ChatState::gone}) {
    const Element element{name_of(state), kChatStatesNs};
    Message message;
    message.add_extension(element);
    EXPECT_EQ(chat_state_of(message), state);
  }
}

}  // namespace
}  // namespace anser::sdk
