// In-band registration (XEP-0077): the manager, and what it remembers of the server's answer.
#include "anser/account_manager.h"

#include <utility>

#include "anser/address.h"
#include "sdk/src/answers.h"
#include "sdk/src/registration.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kFeature = "http://jabber.org/features/iq-register";

IQ set_of(const Channel& channel, const Element& query) {
  return IQ{IQ::Type::set, query, channel.configuration().service_name};
}

}  // namespace

// Lives on the loop. The form is asked for once a connection, by whoever comes first; the others wait for the same
// answer.
class ANSER_HIDDEN AccountManager::Registration final : public Extension {
 public:
  using Answered = std::function<void(const Result<RegistrationForm>& form)>;

  explicit Registration(Channel& channel) : channel_(channel) {}

  Channel& channel() { return channel_; }

  // What `pick` makes of the form, for a call that waits.
  template <class T, class Pick>
  Result<T> ask(Pick pick) {
    return wait_for<T>(channel_, [&](std::function<void(Result<T>)> done) {
      channel_.run([this, pick, done = std::move(done)] {
        with_form([pick, done](const Result<RegistrationForm>& form) {
          done(form ? Result<T>{pick(*form)} : Result<T>{pass(form)});
        });
      });
    });
  }

  Result<bool> supports() {
    return wait_for<bool>(channel_, [&](std::function<void(Result<bool>)> done) {
      channel_.run([this, done = std::move(done)] { supports(done); });
    });
  }

  void create(RegistrationForm::Values values, Done done) {
    if (channel_.is_authenticated())
      return give(channel_, done, fail(Errc::wrong_state, "an account is made before login, not after it"));
    if (auto safe = check_safe(); !safe) return give(channel_, done, safe);
    with_form([this, values = std::move(values), done = std::move(done)](const Result<RegistrationForm>& form) {
      if (!form) return give(channel_, done, pass(form));
      if (!form->can_register()) return give(channel_, done, fail(Errc::unsupported, "{}", form->refusal()));
      submit(form->filled_in(values), done);
    });
  }

  void change_password(std::string password, Done done) {
    if (!channel_.is_authenticated()) return give(channel_, done, not_logged_in());
    if (password.empty()) return give(channel_, done, fail(Errc::invalid_argument, "an empty password is none"));
    if (auto safe = check_safe(); !safe) return give(channel_, done, safe);
    Element query{"query", kRegisterNs};
    query.add_child("username", local_of(channel_.user())).add_child("password", password);
    submit(query, [this, password = std::move(password), done = std::move(done)](Result<void> changed) {
      if (changed) channel_.set_password(password);
      done(changed);
    });
  }

  void remove(Done done) {
    if (!channel_.is_authenticated()) return give(channel_, done, not_logged_in());
    Element query{"query", kRegisterNs};
    query.add_child("remove", "");
    // Without `to` (XEP-0077 §3.2). A server may end the stream instead of answering.
    channel_.request(IQ{IQ::Type::set, query}, [this, done = std::move(done)](const Result<IQ>& answer) {
      const bool ended = !answer && answer.error().code == Errc::stream && answer.error().condition == "not-authorized";
      give(channel_, done, ended ? Result<void>{} : outcome(answer));
    });
  }

  void on_closed(bool) override { form_.reset(); }

 private:
  static constexpr std::size_t kWaiting = 1'000;

  static tl::unexpected<Error> not_logged_in() { return fail(Errc::wrong_state, "not logged in"); }

  // A password goes out as it is.
  Result<void> check_safe() const {
    if (channel_.is_secure() || channel_.configuration().plain_in_the_clear) return {};
    return fail(Errc::insecure, "the connection is not secure, so the password is not sent");
  }

  void supports(const std::function<void(Result<bool>)>& done) {
    if (channel_.has_stream_feature("register", kFeature)) return done(true);
    with_form([done](const Result<RegistrationForm>& form) {
      if (form) return done(form->can_register());
      const bool refused = form.error().code == Errc::stanza || form.error().code == Errc::unsupported;
      done(refused ? Result<bool>{false} : Result<bool>{pass(form)});
    });
  }

  void with_form(Answered answered) {
    if (form_) return answered(*form_);
    if (!channel_.is_connected()) return answered(fail(Errc::wrong_state, "not connected"));
    if (waiting_.size() >= kWaiting) return answered(fail(Errc::queue_full, "{} calls wait already", kWaiting));
    waiting_.push_back(std::move(answered));
    if (waiting_.size() > 1) return;
    IQ get{IQ::Type::get, Element{"query", kRegisterNs}, channel_.configuration().service_name};
    channel_.request(std::move(get), [this](const Result<IQ>& answer) { got_form(answer); });
  }

  void got_form(const Result<IQ>& answer) {
    Result<RegistrationForm> form =
        answer ? RegistrationForm::read(answer->payload()) : Result<RegistrationForm>{pass(answer)};
    // What was not answered may be next time.
    if (form || form.error().code == Errc::stanza || form.error().code == Errc::unsupported) form_ = form;
    for (const auto& answered : std::exchange(waiting_, {})) answered(form);
  }

  void submit(const Element& query, Done done) {
    channel_.request(set_of(channel_, query), [this, done = std::move(done)](const Result<IQ>& answer) {
      give(channel_, done, outcome(answer));
    });
  }

  Channel& channel_;
  std::optional<Result<RegistrationForm>> form_;
  std::vector<Answered> waiting_;
};

AccountManager::AccountManager(Channel& channel) : registration_(std::make_unique<Registration>(channel)) {}
AccountManager::~AccountManager() = default;

Extension& ManagerAccess::extension(AccountManager& accounts) { return *accounts.registration_; }

Result<bool> AccountManager::supports_account_creation() { return registration_->supports(); }

Result<std::vector<std::string>> AccountManager::account_attributes() {
  return registration_->ask<std::vector<std::string>>([](const RegistrationForm& form) { return form.names(); });
}

Result<std::string> AccountManager::account_attribute(const std::string& name) {
  return registration_->ask<std::string>([name](const RegistrationForm& form) { return form.value(name); });
}

Result<std::string> AccountManager::account_instructions() {
  return registration_->ask<std::string>([](const RegistrationForm& form) { return form.instructions(); });
}

Result<void> AccountManager::create_account(std::string username, std::string password, Attributes attributes) {
  return wait_for<void>(registration_->channel(), [&](Done done) {
    create_account(std::move(username), std::move(password), std::move(attributes), std::move(done));
  });
}

void AccountManager::create_account(std::string username, std::string password, Attributes attributes, Done done) {
  attributes["username"] = std::move(username);
  attributes["password"] = std::move(password);
  registration_->channel().run([registration = registration_.get(), attributes = std::move(attributes),
                                done = std::move(done)] { registration->create(attributes, done); });
}

Result<void> AccountManager::change_password(std::string new_password) {
  return wait_for<void>(registration_->channel(),
                        [&](Done done) { change_password(std::move(new_password), std::move(done)); });
}

void AccountManager::change_password(std::string new_password, Done done) {
  registration_->channel().run([registration = registration_.get(), password = std::move(new_password),
                                done = std::move(done)] { registration->change_password(password, done); });
}

Result<void> AccountManager::delete_account() {
  return wait_for<void>(registration_->channel(), [&](Done done) { delete_account(std::move(done)); });
}

void AccountManager::delete_account(Done done) {
  registration_->channel().run(
      [registration = registration_.get(), done = std::move(done)] { registration->remove(done); });
}

}  // namespace anser::sdk
