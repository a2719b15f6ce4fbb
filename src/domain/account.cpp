#include "domain/account.h"

#include <algorithm>

namespace anser::domain {
namespace {

auto lower_bound(std::vector<ContactState>& contacts, std::string_view address) {
  return std::lower_bound(
      contacts.begin(), contacts.end(), address,
      [](const ContactState& contact, std::string_view key) { return contact.contact.full() < key; });
}

bool matches(const Jid& rule, const Jid& who) {
  if (rule.domain() != who.domain()) return false;
  if (rule.has_local() && rule.local() != who.local()) return false;
  return rule.resource().empty() || rule.resource() == who.resource();
}

}  // namespace

void Session::set_carbons(bool on) {
  if (on && !carbons_ && account_) carbons_since_ = account_->copies_;
  if (std::exchange(carbons_, on) != on) state_changed();
}

void Session::bring_account_near() const {
  if (account_) account_->bring_near();
}

bool Session::blocks(const Jid& who) const { return account_ && account_->blocks(who); }

Session* Account::find_session(std::string_view resource) const {
  for (Session* session : sessions_) {
    if (session->jid().resource() == resource) return session;
  }
  return nullptr;
}

Session* Account::find_session(SessionId id) const {
  for (Session* session : sessions_) {
    if (session->id() == id) return session;
  }
  return nullptr;
}

Session* Account::likeliest_session() const {
  const auto less = [](const Session* a, const Session* b) {
    return std::pair{a->available(), a->priority_} < std::pair{b->available(), b->priority_};
  };
  const auto best = std::max_element(sessions_.begin(), sessions_.end(), less);
  return best == sessions_.end() ? nullptr : *best;
}

bool Account::any_available() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](const Session* session) { return session->available(); });
}

bool Account::any_eligible() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](const Session* session) { return eligible(*session); });
}

Subscription Account::subscription(std::string_view contact) const {
  auto& contacts = const_cast<std::vector<ContactState>&>(contacts_);
  const auto found = lower_bound(contacts, contact);
  return found != contacts.end() && found->contact.full() == contact ? found->subscription : Subscription{};
}

void Account::set_subscription(const Jid& contact, Subscription subscription) {
  if (subscription == Subscription{}) return forget_contact(contact.full());
  const auto found = lower_bound(contacts_, contact.full());
  if (found != contacts_.end() && found->contact == contact) {
    found->subscription = subscription;
  } else {
    contacts_.insert(found, ContactState{contact, subscription});
  }
}

void Account::forget_contact(std::string_view contact) {
  const auto found = lower_bound(contacts_, contact);
  if (found != contacts_.end() && found->contact.full() == contact) contacts_.erase(found);
}

std::size_t Account::listed_contacts() const {
  return static_cast<std::size_t>(std::count_if(contacts_.begin(), contacts_.end(),
                                                [](const auto& contact) { return contact.subscription.listed; }));
}

std::size_t Account::waiting_requests() const {
  return static_cast<std::size_t>(std::count_if(contacts_.begin(), contacts_.end(), [](const auto& contact) {
    return contact.subscription.asked && !contact.subscription.listed;
  }));
}

bool Account::blocks(const Jid& who) const {
  return blocked_ &&
         std::any_of(blocked_->begin(), blocked_->end(), [&](const Jid& rule) { return matches(rule, who); });
}

}  // namespace anser::domain
