#include "xmpp/archive_form.h"

#include <gtest/gtest.h>

#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

const core::Jid kJuliet = core::Jid::parse("juliet@capulet.example").value();
const domain::ArchiveIds kIds{"a secret"};
const domain::Hosts kHosts{{{"capulet.example", {"capulet.lan"}}}, {}};

std::string id(std::uint64_t sequence) { return kIds.make(kJuliet.bare(), sequence); }

std::string field(std::string_view name, std::string_view value) {
  return "<field var='" + std::string{name} + "'><value>" + std::string{value} + "</value></field>";
}

std::string form(std::string_view fields) {
  return "<x xmlns='jabber:x:data' type='submit'>" + field("FORM_TYPE", "urn:xmpp:mam:2") + std::string{fields} +
         "</x>";
}

std::string page(std::string_view inner) {
  return "<set xmlns='http://jabber.org/protocol/rsm'>" + std::string{inner} + "</set>";
}

Result<ArchiveRequest> request(const std::string& inner, std::string_view attributes = {}) {
  const auto query =
      xml::parse_element("<query xmlns='urn:xmpp:mam:2' " + std::string{attributes} + ">" + inner + "</query>");
  EXPECT_TRUE(query) << inner;
  return read_archive_request(*query, kJuliet, kIds, kHosts);
}

std::string refusal(const std::string& inner, std::string_view attributes = {}) {
  const auto read = request(inner, attributes);
  return read ? "none" : name_of(read.error().code);
}

TEST(ArchiveRequest, AsksForTheFirstPageOfEverythingIfItSaysNothing) {
  const auto read = request("");

  ASSERT_TRUE(read);
  EXPECT_EQ(read->query.owner, kJuliet);
  EXPECT_TRUE(read->query.with.empty());
  EXPECT_EQ(read->query.after, 0u);
  EXPECT_EQ(read->query.before, domain::kBehindAll);
  EXPECT_EQ(read->query.limit, kArchivePage);
  EXPECT_FALSE(read->query.since || read->query.until || read->query.backwards || read->flipped);
  EXPECT_TRUE(read->query.named.empty());
}

TEST(ArchiveRequest, ReadsEveryFieldOfTheForm) {
  const auto read =
      request(form(field("with", "Romeo@montague.example/Orchard") + field("start", "2010-06-07T00:00:00.0001Z") +
                   field("end", " 2010-07-07T13:23:54Z ") + field("after-id", id(3)) + field("before-id", id(9))) +
              "<flip-page/>");

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->query.with.full(), "romeo@montague.example/Orchard");
  EXPECT_EQ(to_xmpp_date(*read->query.since), "2010-06-07T00:00:00.001Z");  // the whole of the next millisecond
  EXPECT_EQ(to_xmpp_date(*read->query.until), "2010-07-07T13:23:54.001Z");  // behind the whole of this one
  EXPECT_EQ(read->query.after, 3u);
  EXPECT_EQ(read->query.before, 9u);
  EXPECT_EQ(read->query.named, (std::vector<std::uint64_t>{3, 9}));
  EXPECT_FALSE(read->query.only_named);
  EXPECT_TRUE(read->flipped);
}

TEST(ArchiveRequest, TakesAnAliasForTheHost) {
  EXPECT_EQ(request(form(field("with", "nurse@capulet.lan/room")))->query.with.full(), "nurse@capulet.example/room");
}

TEST(ArchiveRequest, ReadsIds) {
  const auto read = request(form("<field var='ids'><value>" + id(5) + "</value><value>" + id(2) + "</value></field>"));

  ASSERT_TRUE(read);
  EXPECT_TRUE(read->query.only_named);
  EXPECT_EQ(read->query.named, (std::vector<std::uint64_t>{5, 2}));
}

TEST(ArchiveRequest, ReadsPages) {
  EXPECT_EQ(request(page("<max>10</max>"))->query.limit, 10u);
  EXPECT_EQ(request(page("<max> 0 </max>"))->query.limit, 0u);
  EXPECT_EQ(request(page("<max>99999999999999999999999999</max>"))->query.limit, kLargestPage);
  EXPECT_TRUE(request(page("<before/>"))->query.backwards);
  EXPECT_EQ(request(page("<before/>"))->query.before, domain::kBehindAll);
  EXPECT_EQ(request(page("<before>" + id(7) + "</before>"))->query.before, 7u);
  EXPECT_TRUE(request(page("<before>" + id(7) + "</before>"))->query.backwards);
  EXPECT_EQ(request(page("<after>" + id(7) + "</after>"))->query.after, 7u);
  EXPECT_FALSE(request(page("<after>" + id(7) + "</after>"))->query.backwards);
  EXPECT_EQ(request(page("<after/>"))->query.after, 0u);
}

// Form and page together: what both allow.
TEST(ArchiveRequest, NarrowsTheFormByThePage) {
  const auto inner = form(field("after-id", id(5)) + field("before-id", id(20)));
  EXPECT_EQ(request(inner + page("<after>" + id(8) + "</after>"))->query.after, 8u);
  EXPECT_EQ(request(inner + page("<after>" + id(2) + "</after>"))->query.after, 5u);
  EXPECT_EQ(request(inner + page("<before>" + id(30) + "</before>"))->query.before, 20u);
}

TEST(ArchiveRequest, RefusesWhatItCannotRead) {
  for (const std::string& inner :
       {form(field("start", "yesterday")), form(field("end", "")), form(field("with", "@@")),
        form(field("start", "2010-06-07T00:00:00Z") + field("start", "2010-06-07T00:00:00Z")),
        form("<field var='start'/>"), form("<field var='ids'/>"),
        form("<field var='with'><value>a@b.c</value><value>d@e.f</value></field>"),
        form(field("FORM_TYPE", "urn:xmpp:mam:2")), std::string{"<x xmlns='jabber:x:data' type='submit'/>"},
        std::string{"<x xmlns='jabber:x:data' type='cancel'/>"}, std::string{"<x xmlns='jabber:x:data'/>"},
        form("") + form(""), page("") + page(""), page("<max>-1</max>"), page("<max/>"), page("<max>ten</max>")}) {
    EXPECT_EQ(refusal(inner), "bad_request") << inner;
  }
}

TEST(ArchiveRequest, RefusesWhatItDoesNotHave) {
  EXPECT_EQ(refusal(form(field("withtext", "sonnet"))), "unsupported");
  EXPECT_EQ(refusal(form("<field><value>x</value></field>")), "unsupported");
  EXPECT_EQ(refusal(page("<index>3</index>")), "unsupported");
  EXPECT_EQ(refusal("", "node='princely_musings'"), "unsupported");
}

TEST(ArchiveRequest, RefusesIdsThatAreNotTheOwnersWithoutALook) {
  const std::string theirs = kIds.make("romeo@montague.example", 3);
  for (const std::string& absent : {theirs, std::string{"1"}, id(3) + "A", std::string{"x"}}) {
    EXPECT_EQ(refusal(form(field("after-id", absent))), "not_found");
    EXPECT_EQ(refusal(form(field("before-id", absent))), "not_found");
    EXPECT_EQ(refusal(form(field("ids", absent))), "not_found");
    EXPECT_EQ(refusal(page("<after>" + absent + "</after>")), "not_found");
    EXPECT_EQ(refusal(page("<before>" + absent + "</before>")), "not_found");
  }
}

TEST(ArchiveRequest, RefusesTooMuch) {
  std::string values;
  for (std::size_t i = 0; i <= kMostNamed; ++i) values += "<value>" + id(i) + "</value>";
  EXPECT_EQ(refusal(form("<field var='ids'>" + values + "</field>")), "policy_violation");
  EXPECT_EQ(refusal("", "queryid='" + std::string(kLongestQueryId + 1, 'q') + "'"), "policy_violation");
}

}  // namespace
}  // namespace anser::xmpp
