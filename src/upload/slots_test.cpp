#include "upload/slots.h"

#include <gmock/gmock.h>

#include "base/base64.h"
#include "tests/support/fake_domain.h"
#include "tests/support/faulty_files.h"

namespace anser::upload {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kKey = "a key of this installation";

SlotTerms terms() {
  return {.owner = domain::jid("romeo@montague.tld"),
          .type = "image/jpeg",
          .size = 23456,
          .end = Time{std::chrono::seconds{1'700'000'300}},
          .expires = {}};
}

TEST(SlotToken, BringsBackWhatWasSigned) {
  SlotTerms wanted = terms();
  EXPECT_EQ(verify_slot(sign_slot(wanted, "id", "très cool.jpg", kKey), "id", "très cool.jpg", kKey), wanted);

  wanted.type.clear();
  wanted.size = UINT64_MAX;
  wanted.expires = Time{1'800'000'000'123'456us};
  EXPECT_EQ(verify_slot(sign_slot(wanted, "id", "a", kKey), "id", "a", kKey), wanted);
}

TEST(SlotToken, IsShortAndGoesIntoAnAddress) {
  const std::string token = sign_slot(terms(), "id", "a", kKey);

  EXPECT_LT(token.size(), 100U);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), token.npos);
}

TEST(SlotToken, IsWorthNothingAnywhereElse) {
  const std::string token = sign_slot(terms(), "id", "a", kKey);

  EXPECT_FALSE(verify_slot(token, "other", "a", kKey));
  EXPECT_FALSE(verify_slot(token, "id", "b", kKey));
  EXPECT_FALSE(verify_slot(token, "i", "da", kKey));
  EXPECT_FALSE(verify_slot(token, "id", "a", "another key"));
}

TEST(SlotToken, IsWorthNothingWhenAnyBitOfItIsAnother) {
  const std::string bytes = base64url_decode(sign_slot(terms(), "id", "a", kKey)).value();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string other = bytes;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(verify_slot(base64url_encode(other), "id", "a", kKey)) << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(verify_slot(base64url_encode(bytes.substr(0, size)), "id", "a", kKey)) << size;
}

TEST(SlotToken, IsNoneForWhatWasNeverOne) {
  for (const auto& token : {std::string{}, std::string{"="}, std::string{"AAAA"}, std::string(kMaxSlotToken + 1, 'A')})
    EXPECT_FALSE(verify_slot(token, "id", "a", kKey));
}

// Accounts that have as much as a test says.
class FakeIndex final : public store::MemoryFileIndex {
 public:
  Result<domain::FileUse> use_of(const core::Jid&, Time) override { return domain::FileUse{used, 1}; }
  std::uint64_t used = 0;
};

class SlotsTest : public testing::Test {
 protected:
  SlotsTest() {
    request.owner = domain::jid("romeo@montague.tld");
    request.name = "très cool.jpg";
    request.size = 23456;
    request.type = "image/jpeg";
  }

  Result<domain::Slot> ask(std::uint16_t tls_port = 5443) {
    if (!slots) slots.emplace(shared, tls_port);
    std::optional<Result<domain::Slot>> made;
    auto& core = cores.at(0);
    boost::asio::post(core.io(), [&] {
      slots->request(request, [&](Result<domain::Slot> slot) {
        made = std::move(slot);
        core.stop();
      });
      EXPECT_FALSE(made) << "before request() has returned";
    });
    core.io().restart();
    core.run();
    return made.value_or(fail(Errc::internal, "no answer"));
  }
  std::string refusal() {
    const auto slot = ask();
    return slot ? "a slot" : name_of(slot.error().code) + (": " + slot.error().message);
  }
  // The request that a client makes of a slot.
  static net::HttpRequest put(const domain::Slot& slot, std::string_view fields) {
    net::HttpReader reader{{}};
    const std::string target = slot.put.substr(slot.put.find('/', std::string_view{"https://"}.size()));
    const std::string bytes = "PUT " + target + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
    std::string_view input = bytes;
    EXPECT_EQ(reader.next(input), net::HttpReader::Event::head) << reader.reason();
    return reader.request();
  }
  unsigned status(const net::HttpRequest& request) const {
    const auto opened = open_slot(shared, request);
    return opened ? 0 : opened.error().status;
  }

  domain::FakeAccounts accounts;
  domain::FakeStorage storage{accounts};
  domain::FakePost post;
  domain::FakeClock clock;
  domain::Hosts hosts{{{"montague.tld", {}}}, {}};
  door::LoginGuard guard{door::LoginGuard::Limits{}};
  net::Cores cores{1};
  net::Workers workers{1, 8};
  FakeIndex index;
  store::MemoryFileContent content;
  Settings settings;
  std::function<SharedSettings()> now_settings = [this] { return std::make_shared<const Settings>(settings); };
  Vault vault{index, content, workers, clock, now_settings};
  Shared shared{{cores, workers, storage, post, clock, hosts, guard, "secret"}, now_settings, vault, std::string{kKey}};
  domain::SlotRequest request;
  std::optional<Slots> slots;
};

TEST_F(SlotsTest, GivesAnAddressThatIsPercentCoded) {
  const auto slot = ask();

  ASSERT_TRUE(slot) << slot.error().message;
  EXPECT_THAT(slot->get,
              testing::MatchesRegex("https://montague\\.tld:5443/files/[A-Za-z0-9_-]{32}/tr%C3%A8s%20cool\\.jpg"));
  EXPECT_THAT(slot->put, StartsWith(slot->get + "?slot="));
  EXPECT_NE(ask()->get, slot->get);
}

TEST_F(SlotsTest, TakesTheAddressThatIsConfigured) {
  EXPECT_THAT(ask(443)->get, StartsWith("https://montague.tld/files/"));
  slots.reset();
  settings.host = "files.example.org";
  EXPECT_THAT(ask()->get, StartsWith("https://files.example.org:5443/files/"));
  settings.address = "https://cdn.example.org";
  EXPECT_THAT(ask()->get, StartsWith("https://cdn.example.org/files/"));
}

TEST_F(SlotsTest, SpeaksOfHostsAsTheDnsDoes) {
  request.owner = domain::jid("romeo@münchen.example");
  EXPECT_THAT(ask()->get, StartsWith("https://xn--mnchen-3ya.example:5443/"));
  request.owner = domain::jid("romeo@[::1]");
  EXPECT_THAT(ask()->get, StartsWith("https://[::1]:5443/"));
}

TEST_F(SlotsTest, NeedsTls) {
  EXPECT_EQ(ask(0).error().code, Errc::unavailable);
  EXPECT_FALSE(slots->available());
  settings.address = "https://cdn.example.org";
  EXPECT_TRUE(slots->available());
  EXPECT_TRUE(ask());
}

TEST_F(SlotsTest, RefusesWhatIsTooLarge) {
  settings.file_bytes = 23455;
  EXPECT_THAT(refusal(), StartsWith("policy_violation: the file has 23456 bytes; a file may have 23455"));
  EXPECT_EQ(slots->max_file_size(), 23455U);
}

TEST_F(SlotsTest, RefusesWhatIsNoFile) {
  request.size = 0;
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
  request.size = 1;
  request.name = "";
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
  request.name = "\xff";
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
  request.name = "a";
  request.type = "a\r\nb";
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
  request.type = std::string(kMaxSlotType + 1, 'a');
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
}

TEST_F(SlotsTest, MakesNamesSafe) {
  request.name = "../../etc/passwd";
  EXPECT_THAT(ask()->get, testing::EndsWith("/passwd"));
}

TEST_F(SlotsTest, HoldsToTheQuota) {
  settings.quota_bytes = 30'000;
  index.used = 6'544;
  EXPECT_EQ(refusal(), "a slot");
  index.used = 6'545;
  EXPECT_THAT(refusal(), StartsWith("resource_limit: your files have 6545 bytes and may have 30000"));
  index.used = 40'000;
  EXPECT_THAT(refusal(), StartsWith("resource_limit"));
  settings.quota_bytes = 0;
  EXPECT_EQ(refusal(), "a slot");
}

TEST_F(SlotsTest, GivesSoManyInATime) {
  for (unsigned i = 0; i < Slots::kSlots; ++i) ASSERT_TRUE(ask());
  EXPECT_THAT(refusal(), StartsWith("resource_limit: you have asked for 100 slots in 300 s"));
  EXPECT_EQ(slots->retry_after(), 300s);
  request.owner = domain::jid("juliet@capulet.lit");
  EXPECT_TRUE(ask()) << "others have their own";
  request.owner = domain::jid("romeo@montague.tld");
  clock.ticks += 300s;
  EXPECT_TRUE(ask());
}

TEST_F(SlotsTest, LetsAFileEndWhenItsSenderSays) {
  request.expire_before = clock.time + 1h;
  const auto slot = ask();
  ASSERT_TRUE(slot);
  const auto opened = open_slot(shared, put(*slot, "Content-Length: 23456\r\n"));
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(upload_of(*opened).file_expires, clock.time + 1h);

  settings.keep_for = 60s;  // whichever is sooner
  EXPECT_EQ(open_slot(shared, put(*ask(), "Content-Length: 23456\r\n"))->terms.expires, clock.time + 60s);
  request.expire_before = clock.time;
  EXPECT_THAT(refusal(), StartsWith("not_acceptable"));
}

TEST_F(SlotsTest, IsForOneFileOfThatSizeAndType) {
  const auto slot = ask();
  ASSERT_TRUE(slot);
  const auto opened = open_slot(shared, put(*slot, "Content-Length: 23456\r\nContent-Type: Image/JPEG; q=1\r\n"));
  ASSERT_TRUE(opened) << opened.error().detail;
  const NewUpload upload = upload_of(*opened);
  EXPECT_EQ(upload.owner.full(), "romeo@montague.tld");
  EXPECT_EQ(upload.name, "très cool.jpg");
  EXPECT_EQ(upload.type, "image/jpeg");
  EXPECT_EQ(upload.length, 23456U);
  EXPECT_THAT(slot->get, HasSubstr("/" + upload.id + "/"));

  EXPECT_EQ(status(put(*slot, "Content-Length: 23456\r\n")), 0U);  // the type was said with the request
  EXPECT_EQ(status(put(*slot, "Content-Length: 23455\r\n")), 413U);
  EXPECT_EQ(status(put(*slot, "Content-Length: 23457\r\n")), 413U);
  EXPECT_EQ(status(put(*slot, "Content-Length: 23455\r\nUpload-Complete: ?0\r\n")), 0U);
  EXPECT_EQ(status(put(*slot, "Content-Length: 23455\r\nUpload-Complete: ?1\r\n")), 413U);
  EXPECT_EQ(status(put(*slot, "Content-Length: 23456\r\nContent-Type: image/png\r\n")), 415U);
}

TEST_F(SlotsTest, TakesTheTypeOfThePutWhereItHasNone) {
  request.type.clear();
  const auto opened = open_slot(shared, put(*ask(), "Content-Length: 23456\r\nContent-Type: image/png\r\n"));

  ASSERT_TRUE(opened);
  EXPECT_EQ(upload_of(*opened).type, "image/png");
}

TEST_F(SlotsTest, EndsAfterItsTime) {
  const auto slot = ask();
  ASSERT_TRUE(slot);
  const auto request = put(*slot, "Content-Length: 23456\r\n");
  clock.time += settings.slot_lifetime - 1s;
  EXPECT_EQ(status(request), 0U);
  clock.time += 1s;
  EXPECT_EQ(status(request), 403U);
}

TEST_F(SlotsTest, IsNoneWithoutItsSignature) {
  auto slot = *ask();
  const std::string whole = slot.put;
  slot.put = slot.get;
  EXPECT_EQ(status(put(slot, "Content-Length: 23456\r\n")), 403U);
  slot.put = whole + "A";
  EXPECT_EQ(status(put(slot, "Content-Length: 23456\r\n")), 403U);
  slot.put = whole;
  slot.put.replace(slot.put.find("cool"), 4, "cold");
  EXPECT_EQ(status(put(slot, "Content-Length: 23456\r\n")), 403U);
}

}  // namespace
}  // namespace anser::upload
