// The draft as its clients see it (interop version 8). Names follow its sections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto.h"
#include "tests/support/upload_wire_fixture.h"
#include "upload/draft.h"
#include "upload/structured_field.h"

namespace anser::upload {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Resumable : public UploadWireTest {
 protected:
  Answer create(std::string_view complete, std::string_view body, Fields more = {}) {
    more.try_emplace("upload-draft-interop-version", "8");
    more["upload-complete"] = complete;
    return ask("POST", "/uploads?name=a.txt", std::move(more), body);
  }
  std::string created(std::string_view body, Fields more = {}) {
    const Answer answer = create("?0", body, std::move(more));
    EXPECT_EQ(answer.status, 201u) << answer.body;
    return path_of(answer.field("location"));
  }
  static Fields of_append(std::uint64_t offset, std::string_view complete, Fields more) {
    more.try_emplace("upload-offset", std::to_string(offset));
    more.try_emplace("upload-complete", complete);
    more.try_emplace("content-type", kPartialUpload);
    return more;
  }
  Answer append(std::string_view path, std::uint64_t offset, std::string_view complete, std::string_view body,
                Fields more = {}) {
    more.try_emplace("upload-draft-interop-version", "8");
    return ask("PATCH", path, of_append(offset, complete, std::move(more)), body);
  }
  Answer state(std::string_view path) { return ask("HEAD", path, {}); }
  static std::string sha256(std::string_view bytes) {
    return "sha-256=" + byte_sequence(core::digest(core::Hash::sha256, bytes));
  }
};

// 4.2.3, A: the whole in one request.
TEST_F(Resumable, TakesTheWholeAndSaysAtOnceWhereItCanBeResumed) {
  const Answer answer = create("?1", "hello", {{"content-type", "text/plain"}});

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(answer.field("upload-complete"), "?1");
  EXPECT_EQ(answer.field("upload-offset"), "5");
  EXPECT_EQ(answer.field("content-type"), "application/json");
  EXPECT_THAT(answer.body, HasSubstr("\"name\":\"a.txt\",\"type\":\"text/plain\",\"size\":5"));
  EXPECT_EQ(file_of(answer), "hello");
  ASSERT_EQ(answer.informed.size(), 1u);
  EXPECT_EQ(answer.informed[0].status, 104u);
  EXPECT_EQ(answer.informed[0].field("location"), answer.field("location"));
  EXPECT_THAT(answer.informed[0].field("location"), StartsWith("http://example.com/uploads/"));
  EXPECT_EQ(answer.informed[0].field("upload-draft-interop-version"), "8");
  EXPECT_THAT(answer.informed[0].field("upload-limit"),
              StartsWith("max-size=1000000, max-append-size=1000000, min-size=0, max-age=86"));
}

TEST_F(Resumable, SaysNo104ToClientsOfAnotherVersion) {
  for (const auto* version : {"3", "7", "9", "eight", "?1"}) {
    const Answer answer = create("?1", "hello", {{"upload-draft-interop-version", version}});

    EXPECT_EQ(answer.status, 201u);
    EXPECT_THAT(answer.informed, ElementsAre());
    EXPECT_EQ(file_of(answer), "hello");
  }
}

// 4.2.3, B, and 4.4.3.
TEST_F(Resumable, TakesSeveralParts) {
  const Answer first = create("?0", "hello", {{"upload-length", "11"}});
  const std::string path = path_of(first.field("location"));
  const Answer second = append(path, 5, "?0", " wor");
  const Answer last = append(path, 9, "?1", "ld");

  EXPECT_EQ(first.status, 201u);
  EXPECT_EQ(first.field("upload-complete"), "?0");
  EXPECT_THAT(first.field("upload-limit"), StartsWith("max-size=1000000, "));
  EXPECT_EQ(second.status, 204u);
  EXPECT_EQ(second.field("upload-complete"), "?0");
  EXPECT_EQ(second.field("upload-offset"), "9");
  EXPECT_EQ(second.field("location"), "");
  EXPECT_EQ(last.status, 201u);
  EXPECT_EQ(last.field("upload-complete"), "?1");
  EXPECT_EQ(file_of(last), "hello world");
}

// 4.3.3
TEST_F(Resumable, TellsTheOffset) {
  const std::string path = created("hello", {{"upload-length", "11"}});
  for (const auto* method : {"HEAD", "GET"}) {
    const Answer answer = ask(method, path, {});

    EXPECT_EQ(answer.status, 204u);
    EXPECT_EQ(answer.field("upload-offset"), "5");
    EXPECT_EQ(answer.field("upload-complete"), "?0");
    EXPECT_EQ(answer.field("upload-length"), "11");
    EXPECT_THAT(answer.field("upload-limit"), HasSubstr("max-age="));
    EXPECT_EQ(answer.field("cache-control"), "no-store");
  }
}

TEST_F(Resumable, NeedsNoLengthBeforeTheEnd) {
  const std::string path = created("");
  EXPECT_EQ(state(path).field("upload-length"), "");

  EXPECT_EQ(file_of(append(path, 0, "?1", "hello")), "hello");
  EXPECT_EQ(state(path).field("upload-complete"), "?1");
  EXPECT_EQ(state(path).field("upload-offset"), "5");
  EXPECT_EQ(state(path).field("upload-length"), "5");
}

TEST_F(Resumable, IsNotWholeBeforeItsClientSaysSo) {
  const std::string path = created("hello", {{"upload-length", "5"}});

  EXPECT_EQ(state(path).field("upload-complete"), "?0");
  EXPECT_EQ(file_of(append(path, 5, "?1", "")), "hello");
}

TEST_F(Resumable, TakesAnEmptyFile) { EXPECT_EQ(file_of(create("?1", "")), ""); }

TEST_F(Resumable, TakesChunksWhoseEndIsTheLength) {
  Client client = begin("POST", "/uploads", {{"upload-complete", "?1"}, {"transfer-encoding", "chunked"}});

  client.say("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");

  EXPECT_EQ(file_of(client.hear()), "hello world");
}

TEST_F(Resumable, Says100And104ToWhoWaitsForThem) {
  Client client = begin("POST", "/uploads",
                        {{"upload-complete", "?1"},
                         {"upload-draft-interop-version", "8"},
                         {"expect", "100-continue"},
                         {"content-length", "5"}});

  EXPECT_EQ(client.hear_head().status, 104u);
  EXPECT_EQ(client.hear_head().status, 100u);
  client.say("hello");
  EXPECT_EQ(file_of(client.hear()), "hello");
}

// 4.1.2: other values MUST cause the entire header field to be ignored.
TEST_F(Resumable, TakesAnAppendThatDoesNotSayWhetherItIsTheEndForMalformed) {
  const std::string path = created("hello");
  for (const auto* none : {"1", "true", "", "?2", "?1, ?1"}) EXPECT_EQ(append(path, 5, none, "x").status, 400u) << none;
  for (const auto* none : {"x", "-5", "5.0", "", "\"5\""})
    EXPECT_EQ(append(path, 5, "?0", "x", {{"upload-offset", none}}).status, 400u) << none;
  EXPECT_EQ(append(path, 5, "?0", "x", {{"content-type", "text/plain"}}).status, 415u);
  EXPECT_EQ(state(path).field("upload-offset"), "5");
}

// 7.1
TEST_F(Resumable, RefusesAnotherOffsetAndTellsTheRightOne) {
  const std::string path = created("hello");
  for (const std::uint64_t other : {0u, 4u, 6u, 100u}) {
    const Answer answer = append(path, other, "?0", "x");

    EXPECT_EQ(answer.status, 409u);
    EXPECT_EQ(answer.field("content-type"), "application/problem+json");
    EXPECT_EQ(answer.field("upload-offset"), "5");
    EXPECT_EQ(answer.field("upload-complete"), "?0");
    EXPECT_THAT(answer.body, HasSubstr("#mismatching-upload-offset\""));
    EXPECT_THAT(answer.body, HasSubstr("\"expected-offset\":5,\"provided-offset\":" + std::to_string(other)));
  }
}

// 7.2
TEST_F(Resumable, RefusesLengthsThatContradictEachOther) {
  const std::string path = created("hello", {{"upload-length", "11"}});
  for (const Answer& answer :
       {create("?1", "hello", {{"upload-length", "6"}}), create("?0", "hello", {{"upload-length", "4"}}),
        append(path, 5, "?1", " worl"), append(path, 5, "?0", " wor", {{"upload-length", "12"}}),
        append(path, 5, "?0", " world!")}) {
    EXPECT_EQ(answer.status, 400u);
    EXPECT_EQ(answer.field("upload-complete"), "?0");
    EXPECT_EQ(answer.field("location"), "");
    EXPECT_THAT(answer.body, HasSubstr("#inconsistent-upload-length\""));
  }
  EXPECT_EQ(file_of(append(path, 5, "?1", " world")), "hello world");
}

TEST_F(Resumable, KeepsAPartThatEndsBeforeItsLength) {
  const std::string path = created("hello", {{"upload-length", "11"}});
  Client client = begin("PATCH", path, of_append(5, "?1", {{"transfer-encoding", "chunked"}}));

  client.say("4\r\n wor\r\n0\r\n\r\n");

  const Answer answer = client.hear();
  EXPECT_EQ(answer.status, 400u);
  EXPECT_THAT(answer.body, HasSubstr("#inconsistent-upload-length\""));
  EXPECT_EQ(file_of(append(path, 9, "?1", "ld")), "hello world");
}

TEST_F(Resumable, EndsAnUploadWhoseLengthWasALie) {
  const std::string path = created("hello", {{"upload-length", "11"}});
  Client client = begin("PATCH", path, of_append(5, "?0", {{"transfer-encoding", "chunked"}}));

  client.say("7\r\n world!\r\n0\r\n\r\n");

  EXPECT_EQ(client.hear().status, 400u);
  EXPECT_EQ(state(path).status, 404u);
}

TEST_F(Resumable, RefusesWhatIsTooLargeAndTellsTheLimit) {
  const Answer created_too_large = create("?0", "", {{"upload-length", "1000001"}});
  const Answer appended_too_large = append(created(""), 0, "?0", "", {{"upload-length", "1000001"}});

  for (const Answer& answer : {created_too_large, appended_too_large}) {
    EXPECT_EQ(answer.status, 413u);
    EXPECT_THAT(answer.field("upload-limit"), StartsWith("max-size=1000000, "));
    EXPECT_THAT(answer.body, HasSubstr("\"permitted\":1000000,\"actual\":1000001"));
  }
}

// 4.4.2: a client whose last answer was lost.
TEST_F(Resumable, GivesTheLastAnswerAgain) {
  const Answer whole = create("?1", "hello");
  const std::string path = path_of(whole.field("location"));

  const Answer again = append(path, 5, "?1", "");

  EXPECT_EQ(again.status, 201u);
  EXPECT_EQ(again.field("upload-complete"), "?1");
  EXPECT_EQ(again.field("content-location"), whole.field("content-location"));
  EXPECT_EQ(append(path, 5, "?1", "x").status, 409u);
  EXPECT_EQ(append(path, 5, "?0", "").status, 409u);
}

// 4.5
TEST_F(Resumable, EndsWhatIsCancelled) {
  const std::string path = created("hello");

  EXPECT_EQ(ask("DELETE", path, {}).status, 204u);

  EXPECT_EQ(state(path).status, 404u);
  EXPECT_EQ(append(path, 5, "?0", "x").status, 404u);
  EXPECT_EQ(content_.unfinished({}, 10)->size(), 0u);
}

TEST_F(Resumable, IsNobodyElses) {
  const std::string path = created("hello");

  for (const auto* method : {"HEAD", "GET", "DELETE"}) {
    EXPECT_EQ(ask(method, path, {{"authorization", basic("juliet")}}).status, 404u);
    EXPECT_EQ(ask(method, path, {{"authorization", ""}}).status, 401u);
  }
  EXPECT_EQ(append(path, 5, "?0", "x", {{"authorization", basic("juliet")}}).status, 404u);
  EXPECT_EQ(state(path).field("upload-offset"), "5");
}

// 4.6
TEST_F(Resumable, EndsAnOlderRequestForANewerOne) {
  const std::string path = created("");
  Client older = begin("PATCH", path, of_append(0, "?1", {{"content-length", "100"}}), "hello");
  wait_until_kept(path, 5);  // the older one is under way

  const Answer now = state(path);

  EXPECT_EQ(now.field("upload-offset"), "5");
  EXPECT_EQ(older.hear().status, 409u);
  EXPECT_EQ(file_of(append(path, 5, "?1", std::string(95, 'x'))), "hello" + std::string(95, 'x'));
}

TEST_F(Resumable, GoesOnAfterALostConnection) {
  Client client =
      begin("POST", "/uploads",
            {{"upload-complete", "?1"}, {"upload-draft-interop-version", "8"}, {"content-length", "11"}}, "hello");
  const std::string path = path_of(client.hear_head().field("location"));
  wait_until_kept(path, 5);

  client.leave();

  const Answer now = state(path);
  EXPECT_EQ(now.field("upload-offset"), "5");
  EXPECT_EQ(now.field("upload-length"), "11");
  EXPECT_EQ(now.field("upload-complete"), "?0");
  EXPECT_EQ(file_of(append(path, 5, "?1", " world")), "hello world");
}

TEST_F(Resumable, TellsHowFarItIsWhileBytesCome) {
  Client client =
      begin("POST", "/uploads",
            {{"upload-complete", "?1"}, {"upload-draft-interop-version", "8"}, {"content-length", "1000000"}});
  const std::string path = path_of(client.hear_head().field("location"));
  client.say("hello");
  wait_until_kept(path, 5);
  clock_.move(std::chrono::seconds{2});

  client.say(" world");

  const auto progress = client.hear_head();
  EXPECT_EQ(progress.status, 104u);
  EXPECT_THAT(progress.field("upload-offset"), AnyOf("5", "11"));  // the clock may move before the first is told
  EXPECT_EQ(progress.field("location"), "");
  EXPECT_EQ(progress.field("upload-draft-interop-version"), "8");
}

// 10.1
TEST_F(Resumable, ChecksTheDigestOfTheWhole) {
  EXPECT_EQ(file_of(create("?1", "hello world", {{"repr-digest", sha256("hello world")}})), "hello world");
  const Answer wrong = create("?1", "hello World", {{"repr-digest", sha256("hello world")}});
  EXPECT_EQ(wrong.status, 400u);
  EXPECT_EQ(wrong.field("upload-complete"), "?1");
  EXPECT_THAT(wrong.body, HasSubstr("\"code\":\"checksum\""));

  const std::string good = created("hello", {{"repr-digest", sha256("hello world")}});
  const std::string bad = created("hello", {{"repr-digest", sha256("hello world")}});
  EXPECT_EQ(file_of(append(good, 5, "?1", " world")), "hello world");
  EXPECT_EQ(append(bad, 5, "?1", " World").status, 400u);
  EXPECT_EQ(state(bad).status, 404u);
  EXPECT_EQ(bytes_of(bad.substr(9)), std::nullopt);
}

// 10.2
TEST_F(Resumable, ChecksTheDigestOfAPart) {
  const std::string path = created("hello", {{"content-digest", sha256("hello")}});

  const Answer wrong = append(path, 5, "?0", " World", {{"content-digest", sha256(" world")}});

  EXPECT_EQ(wrong.status, 400u);
  EXPECT_EQ(wrong.field("upload-complete"), "?0");
  EXPECT_EQ(state(path).field("upload-offset"), "5");
  EXPECT_EQ(file_of(append(path, 5, "?1", " world", {{"content-digest", sha256(" world")}})), "hello world");
  EXPECT_EQ(create("?0", "hello", {{"content-digest", sha256("Hello")}}).status, 400u);
  EXPECT_EQ(create("?0", "hello", {{"content-digest", "sha-256=nonsense"}}).status, 400u);
  EXPECT_EQ(create("?0", "hello", {{"content-digest", "md5=:XrY7u+Ae7tCTyyK7j1rNww==:"}}).status, 201u);
}

TEST_F(Resumable, TakesTheNameFromContentDisposition) {
  const Answer answer =
      create("?1", "x", {{"content-disposition", "inline; filename=\"a b.txt\"; filename*=UTF-8''%e5%9b%be.txt"}});

  EXPECT_THAT(answer.body, HasSubstr("\"name\":\"图.txt\""));
}

TEST_F(Resumable, TellsWhoHasNoAccountHowToRemoveTheFile) {
  settings_.anonymous = true;

  EXPECT_THAT(create("?0", "x", {{"authorization", ""}}).body, StartsWith("{\"delete_url\":\""));
  EXPECT_THAT(create("?1", "x", {{"authorization", ""}}).body, HasSubstr("\"delete_url\":\""));
}

}  // namespace
}  // namespace anser::upload
