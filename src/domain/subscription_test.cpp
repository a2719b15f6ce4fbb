#include "domain/subscription.h"

#include <gtest/gtest.h>

#include <map>

namespace anser::domain {
namespace {

// RFC 6121 Appendix A, its nine states by name.
Subscription state(std::string_view name) {
  static const std::map<std::string_view, Subscription> kStates{
      {"None", {.listed = true}},
      {"None + Pending Out", {.ask = true, .listed = true}},
      {"None + Pending In", {.asked = true, .listed = true}},
      {"None + Pending Out+In", {.ask = true, .asked = true, .listed = true}},
      {"To", {.to = true, .listed = true}},
      {"To + Pending In", {.to = true, .asked = true, .listed = true}},
      {"From", {.from = true, .listed = true}},
      {"From + Pending Out", {.from = true, .ask = true, .listed = true}},
      {"Both", {.to = true, .from = true, .listed = true}}};
  return kStates.at(name);
}

struct Row {
  std::string_view before;
  bool passes;
  std::string_view after;
};

void check(SubscriptionChange (*rule)(Subscription, Type), Type type, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto change = rule(state(row.before), type);
    EXPECT_EQ(change.pass_on, row.passes) << row.before;
    auto next = change.next;
    next.approved = false;  // looked at by itself below
    EXPECT_EQ(next, state(row.after)) << row.before;
  }
}

TEST(Subscription, OutboundSubscribeFollowsTable2) {
  check(outbound, Type::subscribe,
        {{"None", true, "None + Pending Out"},
         {"None + Pending Out", true, "None + Pending Out"},
         {"None + Pending In", true, "None + Pending Out+In"},
         {"None + Pending Out+In", true, "None + Pending Out+In"},
         {"To", true, "To"},
         {"To + Pending In", true, "To + Pending In"},
         {"From", true, "From + Pending Out"},
         {"From + Pending Out", true, "From + Pending Out"},
         {"Both", true, "Both"}});
}

TEST(Subscription, OutboundUnsubscribeFollowsTable3) {
  check(outbound, Type::unsubscribe,
        {{"None", true, "None"},
         {"None + Pending Out", true, "None"},
         {"None + Pending In", true, "None + Pending In"},
         {"None + Pending Out+In", true, "None + Pending In"},
         {"To", true, "None"},
         {"To + Pending In", true, "None + Pending In"},
         {"From", true, "From"},
         {"From + Pending Out", true, "From"},
         {"Both", true, "From"}});
}

TEST(Subscription, OutboundSubscribedFollowsTable4) {
  check(outbound, Type::subscribed,
        {{"None", false, "None"},
         {"None + Pending Out", false, "None + Pending Out"},
         {"None + Pending In", true, "From"},
         {"None + Pending Out+In", true, "From + Pending Out"},
         {"To", false, "To"},
         {"To + Pending In", true, "Both"},
         {"From", false, "From"},
         {"From + Pending Out", false, "From + Pending Out"},
         {"Both", false, "Both"}});
  EXPECT_TRUE(outbound(state("None"), Type::subscribed).next.approved);  // §3.4
  EXPECT_FALSE(outbound(state("From"), Type::subscribed).next.approved);
}

TEST(Subscription, OutboundUnsubscribedFollowsTable5) {
  check(outbound, Type::unsubscribed,
        {{"None", false, "None"},
         {"None + Pending Out", false, "None + Pending Out"},
         {"None + Pending In", true, "None"},
         {"None + Pending Out+In", true, "None + Pending Out"},
         {"To", false, "To"},
         {"To + Pending In", true, "To"},
         {"From", true, "None"},
         {"From + Pending Out", true, "None + Pending Out"},
         {"Both", true, "To"}});
}

TEST(Subscription, InboundSubscribeFollowsTable6) {
  check(inbound, Type::subscribe,
        {{"None", true, "None + Pending In"},
         {"None + Pending Out", true, "None + Pending Out+In"},
         {"None + Pending In", false, "None + Pending In"},
         {"None + Pending Out+In", false, "None + Pending Out+In"},
         {"To", true, "To + Pending In"},
         {"To + Pending In", false, "To + Pending In"},
         {"From", false, "From"},
         {"From + Pending Out", false, "From + Pending Out"},
         {"Both", false, "Both"}});
  EXPECT_TRUE(inbound(state("Both"), Type::subscribe).reply);  // note 2
}

TEST(Subscription, InboundUnsubscribeFollowsTable7) {
  check(inbound, Type::unsubscribe,
        {{"None", false, "None"},
         {"None + Pending Out", false, "None + Pending Out"},
         {"None + Pending In", true, "None"},
         {"None + Pending Out+In", true, "None + Pending Out"},
         {"To", false, "To"},
         {"To + Pending In", true, "To"},
         {"From", true, "None"},
         {"From + Pending Out", true, "None + Pending Out"},
         {"Both", true, "To"}});
}

TEST(Subscription, InboundSubscribedFollowsTable8) {
  check(inbound, Type::subscribed,
        {{"None", false, "None"},
         {"None + Pending Out", true, "To"},
         {"None + Pending In", false, "None + Pending In"},
         {"None + Pending Out+In", true, "To + Pending In"},
         {"To", false, "To"},
         {"To + Pending In", false, "To + Pending In"},
         {"From", false, "From"},
         {"From + Pending Out", true, "Both"},
         {"Both", false, "Both"}});
}

TEST(Subscription, InboundUnsubscribedFollowsTable9) {
  check(inbound, Type::unsubscribed,
        {{"None", false, "None"},
         {"None + Pending Out", true, "None"},
         {"None + Pending In", false, "None + Pending In"},
         {"None + Pending Out+In", true, "None + Pending In"},
         {"To", true, "None"},
         {"To + Pending In", true, "None + Pending In"},
         {"From", false, "From"},
         {"From + Pending Out", true, "From"},
         {"Both", true, "From"}});
}

TEST(Subscription, ApprovalInAdvanceAnswersTheRequestByItself) {
  const auto approved = outbound({}, Type::subscribed).next;

  const auto change = inbound(approved, Type::subscribe);

  EXPECT_TRUE(change.next.from);
  EXPECT_TRUE(change.reply);
  EXPECT_EQ(change.reply_type, Type::subscribed);
  EXPECT_FALSE(change.pass_on);
}

TEST(Subscription, ARequestFromAStrangerIsNotPushed) { EXPECT_FALSE(inbound({}, Type::subscribe).push); }

}  // namespace
}  // namespace anser::domain
