package anser.smack.legacy;

import org.jivesoftware.smack.AccountManager;
import org.jivesoftware.smack.XMPPException;
import org.jivesoftware.smack.packet.XMPPError;

/** The seed's testAccountManager, and what its reader does next: log in, change the password, delete the account. */
final class AccountSteps {

  private AccountSteps() {}

  static void run(Options options, Checks checks) throws Exception {
    forget("boy", options, "boy", "abc");
    createAndChangeTooEarly(options, checks);
    changeAfterLogin(options, checks);
    delete(options, checks);
  }

  /** Makes a fresh account. One that an earlier run left behind is removed first, with one of its old passwords. */
  static void createFresh(String name, Options options) throws XMPPException {
    forget(name, options, name);
    create(name, options);
  }

  private static void create(String name, Options options) throws XMPPException {
    try (User stranger = new User(name, options)) {
      stranger.connection.getAccountManager().createAccount(name, name);
    }
  }

  private static void createAndChangeTooEarly(Options options, Checks checks) throws Exception {
    try (User boy = new User("boy", options)) {
      AccountManager accounts = boy.connection.getAccountManager();
      accounts.createAccount("boy", "boy");
      checks.ok("createAccount boy");
      XMPPError conflict = checks.refused("createAccount boy again", () -> create("boy", options)).getXMPPError();
      checks.equal("condition of a name that is taken", "conflict", conflict.getCondition());
      if (options.peer()) {
        return;
      }
      checks.equal("code of a name that is taken", 409, conflict.getCode());

      // Nobody is logged in, so the library writes the user name "null".
      XMPPError error = checks.refused("changePassword before login", () -> accounts.changePassword("abc"))
          .getXMPPError();
      checks.that("legacy code of that refusal", error.getCode() > 0, "a code", error.getCode());
      checks.equal("isConnected after that refusal", true, boy.connection.isConnected());
    }
    create("null", options);
    checks.ok("no account \"null\" was left behind");
    try (User nobody = new User("null", options).login("null")) {
      nobody.connection.getAccountManager().deleteAccount();
    }
  }

  private static void changeAfterLogin(Options options, Checks checks) throws Exception {
    try (User boy = new User("boy", options).login("boy")) {
      checks.ok("login boy/boy");
      boy.connection.getAccountManager().changePassword("abc");
      checks.ok("changePassword after login");
    }
    try (User boy = new User("boy", options)) {
      notAuthorized("login boy with the old password", boy, "boy", options, checks);
    }
  }

  private static void delete(Options options, Checks checks) throws Exception {
    try (User boy = new User("boy", options).login("abc")) {
      checks.ok("login boy with the new password");
      boy.connection.getAccountManager().deleteAccount();
      checks.ok("deleteAccount");
    }
    try (User boy = new User("boy", options)) {
      notAuthorized("login boy after deletion", boy, "abc", options, checks);
    }
  }

  /** The library reports the last child of a SASL failure as its reason: programs show "not-authorized", or "text". */
  private static void notAuthorized(String step, User user, String password, Options options, Checks checks) {
    XMPPException refusal = checks.refused(step, () -> user.login(password));
    if (!options.mode().sasl) {
      checks.equal("condition of the failed login", "not-authorized", refusal.getXMPPError().getCondition());
      if (!options.peer()) {
        checks.equal("code of the failed login", 401, refusal.getXMPPError().getCode());
      }
    } else if (!options.peer()) {
      checks.equal("message of the failed login", "SASL authentication PLAIN failed: not-authorized",
          refusal.getMessage());
    }
  }

  private static void forget(String name, Options options, String... passwords) throws XMPPException {
    try {
      create(name, options);
    } catch (XMPPException taken) {
      if (taken.getXMPPError() == null || !taken.getXMPPError().getCondition().equals("conflict")) {
        throw taken;
      }
    }
    XMPPException last = null;
    for (String password : passwords) {
      try (User left = new User(name, options).login(password)) {
        left.connection.getAccountManager().deleteAccount();
        return;
      } catch (XMPPException wrong) {
        last = wrong;
      }
    }
    throw last;
  }
}
