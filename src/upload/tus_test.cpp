// tus 1.0 as its clients see it. Names follow the protocol's sections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/upload_wire_fixture.h"
#include "upload/slots.h"

namespace anser::upload {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kBytes = "application/offset+octet-stream";
constexpr auto kSha1OfHelloWorld = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";

class Tus : public UploadWireTest {
 protected:
  Answer tus(std::string_view method, std::string_view target, Fields fields = {}, std::string_view body = {}) {
    fields.try_emplace("tus-resumable", "1.0.0");
    if (!body.empty()) fields.try_emplace("content-type", kBytes);
    return ask(method, target, std::move(fields), body);
  }
  Answer create(Fields fields, std::string_view body = {}) { return tus("POST", "/uploads", std::move(fields), body); }
  std::string created(Fields fields, std::string_view body = {}) {
    const Answer answer = create(std::move(fields), body);
    EXPECT_EQ(answer.status, 201u) << answer.body;
    return path_of(answer.field("location"));
  }
  static Fields of_patch(std::uint64_t offset, Fields more) {
    more.try_emplace("tus-resumable", "1.0.0");
    more.try_emplace("upload-offset", std::to_string(offset));
    more.try_emplace("content-type", kBytes);
    return more;
  }
  Answer patch(std::string_view path, std::uint64_t offset, std::string_view body, Fields more = {}) {
    return ask("PATCH", path, of_patch(offset, std::move(more)), body);
  }
  // What is to be joined.
  std::string created_part(std::size_t length, std::string_view body = {}, Fields more = {}) {
    more["upload-length"] = std::to_string(length);
    more["upload-concat"] = "partial";
    return created(std::move(more), body);
  }
  // A whole file of romeo's, by the draft into a slot. The path of its upload.
  std::string put_into_slot(const std::string& id, std::string_view bytes) {
    const SlotTerms terms{.owner = domain::jid("romeo@example.com"),
                          .type = {},
                          .size = bytes.size(),
                          .end = clock_.now() + std::chrono::minutes{5},
                          .expires = {}};
    const Fields fields{{"upload-draft-interop-version", "8"}, {"upload-complete", "?1"}, {"authorization", ""}};
    const Answer answer =
        ask("PUT", fmt::format("/files/{}/a?slot={}", id, sign_slot(terms, id, "a", shared_.slot_key)), fields, bytes);
    EXPECT_EQ(answer.status, 201u) << answer.body;
    return "/uploads/" + id;
  }
  std::string offset(std::string_view path) { return tus("HEAD", path).field("upload-offset"); }
};

TEST_F(Tus, TellsWhatItCanToWhoeverAsks) {
  const Answer answer = ask("OPTIONS", "/uploads", {{"authorization", ""}, {"tus-resumable", "0.2.2"}});

  EXPECT_EQ(answer.status, 204u);
  EXPECT_EQ(answer.field("tus-version"), "1.0.0");
  EXPECT_EQ(answer.field("tus-max-size"), "1000000");
  EXPECT_EQ(answer.field("tus-extension"),
            "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation");
  EXPECT_EQ(answer.field("tus-checksum-algorithm"), "sha1,sha256,crc32");
  EXPECT_EQ(answer.field("upload-limit"), "max-size=1000000, max-append-size=1000000, min-size=0, max-age=86400");
}

TEST_F(Tus, RefusesAnotherVersionBeforeAnythingElse) {
  const std::string path = created({{"upload-length", "5"}});
  for (const auto& [method, target] : {std::pair{"POST", std::string{"/uploads"}}, {"PATCH", path}, {"DELETE", path}}) {
    const Answer answer = tus(method, target, {{"tus-resumable", "0.2.2"}, {"upload-length", "5"}});

    EXPECT_EQ(answer.status, 412u);
    EXPECT_EQ(answer.field("tus-version"), "1.0.0");
    EXPECT_EQ(answer.field("tus-resumable"), "1.0.0");
  }
  EXPECT_EQ(offset(path), "0");
}

// The examples of the core protocol: 100 bytes, interrupted after 70.
TEST_F(Tus, GoesOnWhereAnUploadStopped) {
  const std::string path = created({{"upload-length", "100"}});
  patch(path, 0, std::string(70, 'a'));

  const Answer head = tus("HEAD", path);
  const Answer end = patch(path, 70, std::string(30, 'b'));

  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.field("upload-offset"), "70");
  EXPECT_EQ(head.field("upload-length"), "100");
  EXPECT_EQ(head.field("cache-control"), "no-store");
  EXPECT_EQ(head.field("tus-resumable"), "1.0.0");
  EXPECT_EQ(end.status, 204u);
  EXPECT_EQ(end.field("upload-offset"), "100");
  EXPECT_EQ(end.field("tus-resumable"), "1.0.0");
  EXPECT_EQ(file_of(end), std::string(70, 'a') + std::string(30, 'b'));
  EXPECT_EQ(offset(path), "100");
}

TEST_F(Tus, GivesBackTheMetadataAsTheyCame) {
  const std::string metadata = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential,filetype YS9i";

  const Answer answer = create({{"upload-length", "5"}, {"upload-metadata", metadata}}, "hello");

  EXPECT_THAT(answer.field("content-location"), HasSubstr("/world_domination_plan.pdf"));
  EXPECT_EQ(tus("HEAD", path_of(answer.field("location"))).field("upload-metadata"), metadata);
}

TEST_F(Tus, ReadsNamesOfOldWindows) {
  const std::string gbk = "\xd6\xd0\xce\xc4.png";  // 中文.png

  const Answer answer = create({{"upload-length", "0"}, {"upload-metadata", "filename " + base64_encode(gbk)}});

  EXPECT_THAT(answer.field("content-location"), HasSubstr("/%E4%B8%AD%E6%96%87.png"));
}

TEST_F(Tus, TakesAFirstPieceWithTheCreation) {
  const Answer answer = create({{"upload-length", "100"}}, "hello");

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(answer.field("upload-offset"), "5");
  EXPECT_FALSE(answer.field("upload-expires").empty());
  EXPECT_EQ(offset(path_of(answer.field("location"))), "5");
}

TEST_F(Tus, MakesAnEmptyFileAtOnce) {
  const Answer answer = create({{"upload-length", "0"}});

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(file_of(answer), "");
}

TEST_F(Tus, TakesTheLengthLaterAndOnlyOnce) {
  const std::string path = created({{"upload-defer-length", "1"}});
  EXPECT_EQ(tus("HEAD", path).field("upload-defer-length"), "1");
  EXPECT_EQ(tus("HEAD", path).field("upload-length"), "");

  EXPECT_EQ(patch(path, 0, "hello").status, 204u);
  EXPECT_EQ(patch(path, 5, " ", {{"upload-length", "11"}}).status, 204u);
  EXPECT_EQ(patch(path, 6, "wor", {{"upload-length", "12"}}).status, 400u);
  EXPECT_EQ(tus("HEAD", path).field("upload-defer-length"), "");
  EXPECT_EQ(tus("HEAD", path).field("upload-length"), "11");
  EXPECT_EQ(file_of(patch(path, 6, "world", {{"upload-length", "11"}})), "hello world");
}

TEST_F(Tus, EndsWithALengthThatHasBeenReached) {
  const std::string path = created({{"upload-defer-length", "1"}}, "hello");

  EXPECT_EQ(file_of(patch(path, 5, "", {{"upload-length", "5"}})), "hello");
}

TEST_F(Tus, RefusesCreationsThatMakeNoSense) {
  for (const Fields& fields :
       {Fields{}, Fields{{"upload-length", "-1"}}, Fields{{"upload-length", "x"}},
        Fields{{"upload-length", "5"}, {"upload-defer-length", "1"}}, Fields{{"upload-defer-length", "2"}},
        Fields{{"upload-length", "9223372036854775808"}}, Fields{{"upload-length", "5"}, {"upload-metadata", "a !"}},
        Fields{{"upload-length", "5"}, {"upload-metadata", "a YQ==,a YQ=="}},
        Fields{{"upload-length", "5"}, {"upload-concat", "partially"}}}) {
    const Answer answer = create(fields);

    EXPECT_EQ(answer.status, 400u);
    EXPECT_EQ(answer.field("location"), "");
    EXPECT_EQ(answer.field("tus-resumable"), "1.0.0");
  }
  EXPECT_EQ(create({{"upload-length", "5"}, {"content-type", "text/plain"}}, "hello").status, 415u);
}

TEST_F(Tus, RefusesWhatIsTooLargeBeforeItComes) {
  const Answer answer = create({{"upload-length", "1000001"}});

  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(answer.field("tus-max-size"), "1000000");
  EXPECT_THAT(answer.body, AllOf(HasSubstr("\"permitted\":1000000"), HasSubstr("\"actual\":1000001")));
}

TEST_F(Tus, RefusesWhatTheQuotaHasNoRoomFor) {
  settings_.quota_bytes = 100;
  const std::string path = created({{"upload-length", "70"}});

  const Answer answer = create({{"upload-length", "70"}});

  EXPECT_EQ(answer.status, 413u);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("\"code\":\"quota\""), HasSubstr("\"permitted\":100")));
  EXPECT_EQ(tus("DELETE", path).status, 204u);
  EXPECT_EQ(create({{"upload-length", "70"}}).status, 201u);
}

TEST_F(Tus, RefusesAnotherOffsetAndTellsTheRightOne) {
  const std::string path = created({{"upload-length", "10"}}, "hello");
  for (const std::uint64_t other : {0u, 4u, 6u, 10u}) {
    const Answer answer = patch(path, other, "x");

    EXPECT_EQ(answer.status, 409u);
    EXPECT_EQ(answer.field("upload-offset"), "5");
  }
  for (const auto* none : {"-1", "x", "", "5.0"})
    EXPECT_EQ(patch(path, 0, "x", {{"upload-offset", none}}).status, 400u);
  EXPECT_EQ(offset(path), "5");
}

TEST_F(Tus, RefusesBytesOfAnotherType) {
  const std::string path = created({{"upload-length", "10"}});

  EXPECT_EQ(patch(path, 0, "hello", {{"content-type", "application/octet-stream"}}).status, 415u);
  EXPECT_EQ(offset(path), "0");
}

TEST_F(Tus, RefusesMoreThanWasAnnouncedAndKeepsNothingOfIt) {
  const std::string path = created({{"upload-length", "5"}});

  EXPECT_EQ(patch(path, 0, "hello there").status, 413u);
  EXPECT_EQ(offset(path), "0");
}

TEST_F(Tus, RefusesMoreThanWasAnnouncedInChunks) {
  const std::string path = created({{"upload-length", "5"}});

  Client client = begin("PATCH", path, of_patch(0, {{"transfer-encoding", "chunked"}}));
  client.say("5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n");

  EXPECT_EQ(client.hear().status, 413u);
  EXPECT_THAT(offset(path), AnyOf("0", "5"));
}

TEST_F(Tus, TakesChunks) {
  const std::string path = created({{"upload-length", "11"}});

  Client client = begin("PATCH", path, of_patch(0, {{"transfer-encoding", "chunked"}}));
  client.say("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");

  EXPECT_EQ(file_of(client.hear()), "hello world");
}

TEST_F(Tus, SaysAgainThatAnUploadIsWholeButTakesNoMore) {
  const std::string path = created({{"upload-length", "5"}}, "hello");

  EXPECT_EQ(patch(path, 5, "").status, 204u);
  EXPECT_EQ(patch(path, 5, "x").status, 409u);
  EXPECT_EQ(patch(path, 0, "hello").status, 409u);
}

TEST_F(Tus, TakesTheMethodThatTheOverrideNames) {
  const std::string path = created({{"upload-length", "5"}});

  EXPECT_EQ(tus("POST", path, {{"x-http-method-override", "PATCH"}, {"upload-offset", "0"}, {"content-type", kBytes}},
                "hello")
                .status,
            204u);
  EXPECT_EQ(tus("POST", path, {{"x-http-method-override", "DELETE"}}).status, 204u);
  EXPECT_EQ(tus("HEAD", path).status, 404u);
}

TEST_F(Tus, KnowsNoOtherMethods) {
  const std::string path = created({{"upload-length", "5"}});

  EXPECT_EQ(tus("PUT", path).status, 405u);
  EXPECT_EQ(tus("GET", path).field("allow"), "HEAD, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(tus("PATCH", "/uploads").field("allow"), "POST, OPTIONS");
}

TEST_F(Tus, IsNobodyElses) {
  const std::string path = created({{"upload-length", "10"}}, "hello");

  for (const auto* method : {"HEAD", "PATCH", "DELETE"}) {
    EXPECT_EQ(tus(method, path, {{"authorization", basic("juliet")}, {"upload-offset", "5"}}).status, 404u);
    EXPECT_EQ(tus(method, path, {{"authorization", ""}, {"upload-offset", "5"}}).status, 401u);
    EXPECT_EQ(tus(method, path + "x", {{"upload-offset", "5"}}).status, 404u);
  }
  EXPECT_EQ(tus("HEAD", path, {{"authorization", basic("juliet")}}).field("upload-offset"), "");
  EXPECT_EQ(offset(path), "5");
}

TEST_F(Tus, ForgetsAnUploadThatHasEnded) {
  settings_.unfinished_for = std::chrono::seconds{60};
  const std::string path = created({{"upload-length", "10"}}, "hello");
  clock_.move(std::chrono::seconds{50});
  patch(path, 5, "x");  // its end moves away
  clock_.move(std::chrono::seconds{50});
  EXPECT_EQ(offset(path), "6");

  clock_.move(std::chrono::seconds{61});

  EXPECT_EQ(tus("HEAD", path).status, 404u);
  EXPECT_EQ(patch(path, 5, "there").status, 404u);
}

TEST_F(Tus, TellsWhoHasNoAccountHowToRemoveTheFile) {
  settings_.anonymous = true;

  const Answer answer = create({{"upload-length", "5"}, {"authorization", ""}}, "hello");

  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(file_of(answer), "hello");
  EXPECT_THAT(answer.body, StartsWith("{\"delete_url\":\"http://example.com/delete/"));
}

TEST_F(Tus, RemovesWhatIsTerminatedWholeOrNot) {
  const std::string path = created({{"upload-length", "10"}}, "hello");
  const Answer whole = create({{"upload-length", "5"}}, "hello");
  ASSERT_EQ(file_of(whole), "hello");

  EXPECT_EQ(tus("DELETE", path).status, 204u);
  EXPECT_EQ(tus("DELETE", path_of(whole.field("location"))).status, 204u);

  EXPECT_EQ(tus("HEAD", path).status, 404u);
  EXPECT_EQ(tus("DELETE", path).status, 404u);
  EXPECT_EQ(file_of(whole), "?");
}

// The protocol's own example.
// The file's address has the upload's id in it.
TEST_F(Tus, DoesNotRemoveAFileForWhoeverHasItsAddress) {
  settings_.anonymous = true;
  const Answer owned = create({{"upload-length", "5"}}, "hello");
  const Answer nobodys = create({{"upload-length", "5"}, {"authorization", ""}}, "hello");
  const std::string slot = put_into_slot("slot0", "hello");

  for (const std::string& path : {path_of(nobodys.field("location")), slot}) {
    for (const auto* by : {"", "juliet"}) {
      const auto authorization = *by == 0 ? std::string{} : basic(by);
      const unsigned status = tus("DELETE", path, {{"authorization", authorization}}).status;
      EXPECT_EQ(status, *by == 0 ? 403u : 404u) << path;
    }
  }
  const Fields draft{{"upload-draft-interop-version", "8"}, {"authorization", ""}};
  EXPECT_EQ(ask("DELETE", slot, draft).status, 403u);
  EXPECT_EQ(tus("DELETE", path_of(owned.field("location")), {{"authorization", ""}}).status, 404u);
  EXPECT_EQ(file_of(nobodys), "hello");
  EXPECT_EQ(file_of(owned), "hello");
  EXPECT_EQ(bytes_of("slot0"), "hello");

  EXPECT_EQ(tus("DELETE", slot).status, 204u);  // romeo's, signed in
  EXPECT_EQ(bytes_of("slot0"), std::nullopt);
}

TEST_F(Tus, TakesNoMetadataWithoutEnd) {
  const std::string value(4'000, 'A');

  EXPECT_EQ(create({{"upload-length", "5"}, {"upload-metadata", "filename " + value}}).status, 201u);
  EXPECT_EQ(create({{"upload-length", "5"}, {"upload-metadata", "filename " + value + value}}).status, 400u);
}

TEST_F(Tus, IsNotRemovedByAnotherSitesPageThatNamesTheMethod) {
  settings_.anonymous = true;
  const std::string path = created({{"upload-length", "5"}, {"authorization", ""}});
  const Fields foreign{{"x-http-method-override", "DELETE"}, {"sec-fetch-site", "cross-site"}, {"authorization", ""}};

  EXPECT_EQ(tus("GET", path, foreign).status, 403u);
  EXPECT_EQ(tus("HEAD", path, {{"authorization", ""}}).field("upload-offset"), "0");
}

TEST_F(Tus, TakesBytesWithTheirChecksum) {
  const std::string path = created({{"upload-length", "11"}});

  const Answer answer = patch(path, 0, "hello world", {{"upload-checksum", kSha1OfHelloWorld}});

  EXPECT_EQ(answer.status, 204u);
  EXPECT_EQ(answer.field("upload-offset"), "11");
  EXPECT_EQ(file_of(answer), "hello world");
}

TEST_F(Tus, KeepsNothingOfBytesWithAnotherChecksum) {
  const std::string path = created({{"upload-length", "22"}}, "hello world");

  const Answer wrong = patch(path, 11, "hello World", {{"upload-checksum", kSha1OfHelloWorld}});
  const Answer unknown = patch(path, 11, "hello world", {{"upload-checksum", "md5 XrY7u+Ae7tCTyyK7j1rNww=="}});

  EXPECT_EQ(wrong.status, 460u);
  EXPECT_THAT(wrong.body, HasSubstr("\"code\":\"checksum\""));
  EXPECT_EQ(unknown.status, 400u);
  EXPECT_EQ(offset(path), "11");
  EXPECT_EQ(content_.unfinished({}, 10)->size(), 1u);  // nothing lies about
}

TEST_F(Tus, KeepsNothingOfACheckedPieceThatDoesNotComeWhole) {
  const std::string path = created({{"upload-length", "22"}}, "hello world");

  while (vault_.under_way() > 0) std::this_thread::yield();  // the creation, which lets go after its answer
  Client client =
      begin("PATCH", path, of_patch(11, {{"upload-checksum", kSha1OfHelloWorld}, {"content-length", "11"}}), "hello");
  while (vault_.under_way() == 0) std::this_thread::yield();  // else it might be the newer one

  client.leave();

  EXPECT_EQ(offset(path), "11");
  EXPECT_EQ(file_of(patch(path, 11, "hello world")), "hello worldhello world");
}

// The protocol's own example: "hello" and " world".
TEST_F(Tus, JoinsParts) {
  const std::string a = created_part(5);
  const std::string b = created_part(6);
  patch(a, 0, "hello");
  EXPECT_EQ(patch(b, 0, " world").field("content-location"), "");
  const std::string concat = "final;" + a + " http://example.com" + b;

  const Answer joined = create({{"upload-concat", concat}});

  EXPECT_EQ(joined.status, 201u) << joined.body;
  EXPECT_EQ(file_of(joined), "hello world");
  const std::string path = path_of(joined.field("location"));
  const Answer head = tus("HEAD", path);
  EXPECT_EQ(head.field("upload-concat"), concat);
  EXPECT_EQ(head.field("upload-length"), "11");
  EXPECT_EQ(head.field("upload-offset"), "11");
  EXPECT_EQ(tus("HEAD", a).field("upload-concat"), "partial");
  EXPECT_EQ(tus("HEAD", a).field("upload-offset"), "5");
  EXPECT_EQ(patch(path, 11, "x").status, 403u);
}

TEST_F(Tus, JoinsAPartTwiceAndAnEmptyOne) {
  const std::string a = created_part(5, "hello");
  const std::string b = created_part(0);

  EXPECT_EQ(file_of(create({{"upload-concat", "final;" + a + " " + b + " " + a}})), "hellohello");
}

TEST_F(Tus, RefusesToJoinWhatCannotBeJoined) {
  const std::string whole = created_part(5, "hello");
  const std::string open = created_part(5);
  const std::string no_part = created({{"upload-length", "5"}}, "hello");
  const std::string others = created_part(5, "hello", {{"authorization", basic("juliet")}});

  EXPECT_EQ(create({{"upload-concat", "final;" + whole + " " + open}}).status, 409u);
  EXPECT_EQ(create({{"upload-concat", "final;" + no_part}}).status, 409u);
  EXPECT_EQ(create({{"upload-concat", "final;" + others}}).status, 404u);
  EXPECT_EQ(create({{"upload-concat", "final;" + whole + "x"}}).status, 404u);
  EXPECT_EQ(create({{"upload-concat", "final;"}}).status, 400u);
  EXPECT_EQ(create({{"upload-concat", "final;" + whole}, {"upload-length", "5"}}).status, 400u);
  EXPECT_EQ(create({{"upload-concat", "final;" + whole}}, "x").status, 403u);
  EXPECT_EQ(file_of(create({{"upload-concat", "final;" + whole}})), "hello");
}

TEST_F(Tus, KeepsWhatCameBeforeTheConnectionWasLost) {
  const std::string path = created({{"upload-length", "100000"}});
  const std::string bytes(20'000, 'a');
  Client client = begin("PATCH", path, of_patch(0, {{"content-length", "100000"}}), bytes);
  wait_until_kept(path, bytes.size());

  client.leave();

  EXPECT_EQ(offset(path), std::to_string(bytes.size()));
  const std::string rest(80'000, 'b');
  EXPECT_TRUE(file_of(patch(path, bytes.size(), rest)) == bytes + rest);
}

TEST_F(Tus, LeavesNothingOfACreationThatNobodyHasHeardOf) {
  Client client =
      begin("POST", "/uploads",
            {{"tus-resumable", "1.0.0"}, {"upload-length", "100"}, {"content-type", kBytes}, {"content-length", "100"}},
            "hello");
  while (content_.unfinished({}, 10)->empty()) std::this_thread::yield();  // it has begun

  client.leave();

  while (vault_.under_way() > 0 || !content_.unfinished({}, 10)->empty()) std::this_thread::yield();
  EXPECT_EQ(index_.files_of(*core::Jid::make("romeo", "example.com"), 10)->size(), 0u);
}

}  // namespace
}  // namespace anser::upload
