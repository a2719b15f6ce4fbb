#include "domain/session_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kSession = 77;

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

Outgoing logged(std::uint64_t sequence, Stamp stamp = {.owed = true}) {
  stamp.sequence = sequence;
  return {.envelope = {}, .stamp = stamp, .text = {}};
}
Outgoing words() { return {.envelope = {}, .stamp = {}, .text = "<iq/>"}; }

SessionState state() {
  SessionState state;
  state.door = "id of the session";
  state.client = "a telephone";
  state.carbons = state.wants_blocklist = true;
  state.presence =
      Presence{Bytes::copy("<show>away</show>"), Bytes::copy("p1"), Bytes::copy("de"), Bytes::copy(" a='b'")};
  state.priority = -3;
  return state;
}

SessionNote opened(std::uint64_t session = kSession) {
  return state_note(session, jid("juliet@capulet.example/balcony"), state());
}

// As a store would give them back.
std::vector<SessionNote> kept(std::vector<SessionNote> written) {
  std::vector<SessionNote> notes;
  for (auto& note : written) {
    if (note.erase) {
      std::erase_if(notes, [&](const auto& old) {
        return old.session == note.session && old.key >= note.erase->from && old.key <= note.erase->through;
      });
    }
    std::erase_if(notes, [&](const auto& old) { return old.session == note.session && old.key == note.key; });
    note.erase.reset();
    if (!note.bytes.empty()) notes.push_back(std::move(note));
  }
  std::ranges::sort(notes, {}, [](const auto& note) { return std::pair{note.session, note.key}; });
  return notes;
}

std::vector<SavedSession> read(std::vector<SessionNote> written, std::size_t worthless = 0) {
  std::vector<std::uint64_t> bad;
  auto sessions = read_sessions(kept(std::move(written)), bad);
  EXPECT_THAT(bad, SizeIs(worthless));
  return sessions;
}

SessionNote took(std::uint64_t number, std::string_view body = "hark") {
  Envelope message;
  message.to = jid("romeo@montague.example");
  message.inner = Bytes::copy(body);
  message.taken = {kSession, number};
  return *taken_notes(message);
}

std::vector<std::uint64_t> sequences(const SavedSession& session) {
  std::vector<std::uint64_t> found;
  for (const auto& entry : session.given) found.push_back(entry.stamp.sequence);
  return found;
}

TEST(SessionJournal, GivesTheStateBack) {
  const auto sessions = read({opened()});

  ASSERT_THAT(sessions, SizeIs(1));
  const SavedSession& saved = sessions[0];
  EXPECT_EQ(saved.journal, kSession);
  EXPECT_EQ(saved.jid.full(), "juliet@capulet.example/balcony");
  EXPECT_EQ(saved.state.door, "id of the session");
  EXPECT_EQ(saved.state.client, "a telephone");
  EXPECT_TRUE(saved.state.carbons && saved.state.wants_blocklist);
  EXPECT_FALSE(saved.state.interested || saved.state.reads_archive);
  ASSERT_TRUE(saved.state.presence);
  EXPECT_EQ(saved.state.presence->inner.view(), "<show>away</show>");
  EXPECT_EQ(saved.state.presence->id.view(), "p1");
  EXPECT_EQ(saved.state.presence->lang.view(), "de");
  EXPECT_EQ(saved.state.presence->extra.view(), " a='b'");
  EXPECT_EQ(saved.state.priority, -3);
  EXPECT_EQ(saved.handled, 0u);
  EXPECT_THAT(saved.given, IsEmpty());
}

TEST(SessionJournal, KnowsWhatOfItsClientIsDone) {
  const auto saved = read({opened(), took(1), took(2), took(5, "b"), handled_note(kSession, 3), took(4, "a")})[0];

  EXPECT_EQ(saved.handled, 3u);
  ASSERT_THAT(saved.taken, SizeIs(2));
  EXPECT_EQ(saved.taken[0].number, 4u);
  EXPECT_EQ(saved.taken[1].number, 5u);
  EXPECT_NE(saved.taken[0].content, saved.taken[1].content);
}

TEST(SessionJournal, IgnoresWhatWasTakenBeforeTheLastHandled) {
  EXPECT_THAT(read({opened(), handled_note(kSession, 3), took(2)})[0].taken, IsEmpty());
}

TEST(SessionJournal, KnowsWhatItWasGivenUnderWhichNumbers) {
  const std::vector<Outgoing> first{logged(100), words(), logged(101, {.copy = Copy::sent})};
  const std::vector<Outgoing> second{words(), logged(90, {.delayed = true}),
                                     logged(102, {.owed = true, .copy = Copy::received})};
  const auto saved = read({opened(), *given_note(kSession, {.first = 1, .entries = first}),
                           *given_note(kSession, {.first = 4, .entries = second}), had_note(kSession, 102)})[0];

  EXPECT_THAT(sequences(saved), ElementsAre(100, 101, 90, 102));
  EXPECT_THAT(saved.numbers, ElementsAre(1, 3, 5, 6));
  EXPECT_EQ(saved.confirmed, 0u);
  EXPECT_TRUE(saved.given[0].absent && saved.given[0].stamp.owed);
  EXPECT_EQ(saved.given[1].stamp.copy, Copy::sent);
  EXPECT_FALSE(saved.given[1].stamp.owed);
  EXPECT_TRUE(saved.given[2].stamp.owed && saved.given[2].stamp.delayed) << "it still waits";
  EXPECT_EQ(saved.given[3].stamp.copy, Copy::received);
  EXPECT_TRUE(saved.given[3].stamp.had);
  EXPECT_FALSE(saved.given[0].stamp.had);
}

TEST(SessionJournal, ForgetsWhatIsConfirmed) {
  const std::vector<Outgoing> one{logged(100)}, two{logged(101)};
  const auto saved =
      read({opened(), *given_note(kSession, {.first = 7, .entries = one}),
            *given_note(kSession, {.first = 8, .entries = two}), had_note(kSession, 101),
            *given_note(kSession, {.instead_of = SessionNote::Range{7, 7}}), had_over_note(kSession, 101)})[0];

  EXPECT_THAT(sequences(saved), ElementsAre(101));
  EXPECT_FALSE(saved.given[0].stamp.had);
  EXPECT_EQ(saved.confirmed, 7u);
}

TEST(SessionJournal, KnowsWhichCopiesAreDue) {
  Envelope message;
  message.taken.copies = {kSession, 78};
  std::vector<SessionNote> written{opened(), opened(78)};
  for (const std::uint64_t sequence : {200, 201}) {
    const auto notes = taken_notes(message);
    for (auto note = notes.get(); note; note = note->next.get()) {
      written.push_back(*note);
      written.back().key += sequence;  // as stores do
      EXPECT_TRUE(note->at_sequence);
    }
  }
  const std::vector<Outgoing> given{logged(200, {.copy = Copy::sent}), logged(9)};
  const auto note = given_note(kSession, {.first = 4, .entries = given});
  written.push_back(*note);
  for (auto more = note->next.get(); more; more = more->next.get()) written.push_back(*more);

  const auto sessions = read(written);

  EXPECT_THAT(sequences(sessions[0]), ElementsAre(200, 9, 201));
  EXPECT_THAT(sessions[0].numbers, ElementsAre(4, 5));
  EXPECT_EQ(sessions[0].given[2].stamp.copy, Copy::sent);
  EXPECT_FALSE(sessions[0].given[2].stamp.owed);
  EXPECT_THAT(sequences(sessions[1]), ElementsAre(200, 201));
}

TEST(SessionJournal, KnowsWhatIsDueToWhoHasNotComeBack) {
  const std::vector<Outgoing> row{logged(100)}, more{words(), logged(101), logged(102, {.copy = Copy::sent})};
  std::vector<SessionNote> written{opened(), *given_note(kSession, {.first = 1, .entries = row})};
  for (auto note = due_notes(kSession, more); note; note = note->next) written.push_back(*note);
  written.push_back(had_note(kSession, 101));

  const auto saved = read(written)[0];

  EXPECT_THAT(sequences(saved), ElementsAre(100, 101, 102));
  EXPECT_THAT(saved.numbers, ElementsAre(1));
  EXPECT_TRUE(saved.given[1].stamp.owed && saved.given[1].stamp.had);
  EXPECT_EQ(saved.given[2].stamp.copy, Copy::sent);

  const std::vector<Outgoing> anew{logged(100), logged(101), logged(102, {.copy = Copy::sent})};
  const auto given = given_note(
      kSession, {.first = 9, .entries = anew, .instead_of = SessionNote::Range{0, kLastNumber}, .due = true});
  written.push_back(*given);
  for (auto next = given->next; next; next = next->next) written.push_back(*next);
  EXPECT_THAT(read(written)[0].numbers, ElementsAre(9, 10, 11)) << "what is given is due no more";
}

TEST(SessionJournal, LinksInOrder) {
  SessionNote first = had_note(kSession, 1), last = had_note(kSession, 3);
  first.next = std::make_shared<const SessionNote>(had_note(kSession, 2));
  std::vector<SessionNote> found;
  for (auto note = linked({first, last}); note; note = note->next) {
    found.push_back(*note);
    found.back().next = nullptr;
  }
  EXPECT_THAT(found, ElementsAre(had_note(kSession, 1), had_note(kSession, 2), had_note(kSession, 3)));
}

TEST(SessionJournal, KeepsTheRestOfARow) {
  const std::vector<Outgoing> row{logged(100), logged(101), logged(102)};
  const auto saved = read(
      {opened(), *given_note(kSession, {.first = 1, .entries = row}),
       *given_note(kSession,
                   {.first = 2, .entries = std::span{row}.subspan(1), .instead_of = SessionNote::Range{1, 3}})})[0];
  EXPECT_THAT(sequences(saved), ElementsAre(101, 102));
  EXPECT_THAT(saved.numbers, ElementsAre(2, 3));
}

TEST(SessionJournal, KnowsWhoGotDirectedPresence) {
  std::vector<Jid> directed{jid("a@room.example/b"), jid("c@example.com")};
  EXPECT_EQ(read({opened(), directed_note(kSession, directed)})[0].state.directed, directed);
  EXPECT_THAT(read({opened(), directed_note(kSession, directed), directed_note(kSession, {})})[0].state.directed,
              IsEmpty());
  for (int i = 0; i < 1000; ++i) directed.push_back(jid("a-rather-long-name-" + std::to_string(i) + "@example.com"));
  const auto kept_of_many = read({opened(), directed_note(kSession, directed)})[0].state.directed;
  EXPECT_LT(kept_of_many.size(), 300u);
  EXPECT_EQ(kept_of_many.back(), directed.back());
}

TEST(SessionJournal, ForgetsATakenStanzaThatWasAnother) {
  EXPECT_THAT(read({opened(), took(1), took(2), not_taken_note(kSession, 1)})[0].taken, SizeIs(1));
}

TEST(SessionJournal, NotesNothingOfWhatNoLogHas) {
  const std::vector<Outgoing> nothing{words(), logged(5, {.answer = true})};
  EXPECT_FALSE(given_note(kSession, {.first = 1, .entries = nothing}));
}

TEST(SessionJournal, LeavesASessionThatHasEnded) {
  EXPECT_THAT(read({opened(), took(1), forget_note(kSession)}), IsEmpty());
  EXPECT_THAT(read({opened(), forget_note(kSession), took(1)}, 1), IsEmpty()) << "a note that came late";
}

TEST(SessionJournal, LeavesWhatIsDamagedAndKeepsTheRest) {
  auto damaged = opened();
  damaged.bytes.pop_back();
  const auto other = opened(78);
  EXPECT_THAT(read({damaged, other}, 1), SizeIs(1));
  for (std::uint64_t kind : {2, 4, 9}) {
    const SessionNote odd{.session = kSession, .key = kind << 56 | 1, .bytes = "\x80"};
    EXPECT_THAT(read({opened(), odd, other}, 1), SizeIs(1)) << kind;
  }
}

TEST(SessionJournal, TellsContentsApart) {
  Envelope message;
  message.type = Type::chat;
  message.id = "1";
  message.inner = Bytes::copy("<body>a</body>");
  const auto content = content_of(message, "a@example.com");
  EXPECT_EQ(content, content_of(Envelope{message}, "a@example.com"));
  EXPECT_NE(content, content_of(message, "b@example.com"));
  for (auto change :
       std::vector<void (*)(Envelope&)>{[](Envelope& m) { m.type = Type::normal; }, [](Envelope& m) { m.id = "2"; },
                                        [](Envelope& m) { m.inner = Bytes::copy("<body>b</body>"); }}) {
    Envelope other = message;
    change(other);
    EXPECT_NE(content, content_of(other, "a@example.com"));
  }
}

}  // namespace
}  // namespace anser::domain
