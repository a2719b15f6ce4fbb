package anser.smack.legacy;

import org.jivesoftware.smack.ConnectionListener;
import org.jivesoftware.smack.XMPPException;

/** hoojo and jojo from their accounts' birth to their last goodbye; the order matters, each part uses the one before. */
final class ConversationSteps {

  private ConversationSteps() {}

  static void run(Options options, Checks checks) throws Exception {
    AccountSteps.createFresh("hoojo", options);
    AccountSteps.createFresh("jojo", options);
    AccountSteps.createFresh("lili", options);  // never logs in, so requests to her stay open
    try (User jojo = new User("jojo", options).login("jojo")) {
      try (User hoojo = new User("hoojo", options).login("hoojo")) {
        loggedIn(hoojo, options, checks);
        RosterSteps.befriend(hoojo, jojo, options, checks);
      }
      // A new session shows what the server kept, not what the first one remembered.
      try (User hoojo = new User("hoojo", options).login("hoojo")) {
        RosterSteps.entriesAfterLogin(hoojo, options, checks);
        RosterSteps.chineseStatus(hoojo, jojo, options, checks);
        MessageSteps.session(hoojo, checks);
        MessageSteps.chatMessage(hoojo, jojo, options, checks);
        MessageSteps.chatManager(hoojo, jojo, options, checks);
        MessageSteps.properties(hoojo, jojo, options, checks);
        MessageSteps.types(hoojo, jojo, checks);
        MessageSteps.languages(hoojo, jojo, options, checks);
        RosterSteps.renameAndRemove(hoojo, options, checks);
        goodbye(hoojo, jojo, options, checks);
      }
    }
    offline(options, checks);
    sameResource(options, checks);
    for (String name : new String[] {"hoojo", "jojo", "lili"}) {
      try (User user = new User(name, options).login(name)) {
        user.connection.getAccountManager().deleteAccount();
      }
    }
    checks.ok("deleteAccount hoojo, jojo, lili");
  }

  private static void loggedIn(User hoojo, Options options, Checks checks) {
    checks.equal("User", "hoojo@" + options.service() + "/Smack", hoojo.connection.getUser());
    checks.equal("isAuthenticated after login", true, hoojo.connection.isAuthenticated());
    checks.equal("isAnonymous after login", false, hoojo.connection.isAnonymous());
    checks.equal("isSecureConnection after login", options.mode().tls, hoojo.connection.isSecureConnection());
    checks.equal("isUsingCompression after login", options.mode().compression,
        hoojo.connection.isUsingCompression());
    checks.equal("entries of a new account", 0, hoojo.roster().getEntryCount());
  }

  private static void goodbye(User hoojo, User jojo, Options options, Checks checks) throws InterruptedException {
    hoojo.connection.disconnect();
    checks.equal("isConnected after disconnect", false, hoojo.connection.isConnected());
    String address = "hoojo@" + options.service();
    jojo.awaitRoster("jojo sees hoojo leave", () -> !jojo.roster().getPresence(address).isAvailable());
    checks.ok("jojo sees hoojo leave");
  }

  /** Nobody of the name is there: the message waits for the next login. */
  private static void offline(Options options, Checks checks) throws XMPPException {
    try (User hoojo = new User("hoojo", options).login("hoojo")) {
      MessageSteps.leaveNote(hoojo, options, checks);
    }
    try (User jojo = new User("jojo", options).login("jojo")) {
      MessageSteps.findNote(jojo, options, checks);
    }
  }

  /**
   * The library always asks for the resource "Smack"; after a broken link its next login must win. It takes the last
   * child of a stream error for the condition, and only for "conflict" it does not log in again and throw the other
   * out in turn: so no text may follow.
   */
  private static void sameResource(Options options, Checks checks) throws Exception {
    try (User first = new User("hoojo", options).login("hoojo")) {
      var closed = new java.util.concurrent.LinkedBlockingQueue<Exception>();
      first.connection.addConnectionListener(new ConnectionListener() {
        @Override
        public void connectionClosed() {
          closed.add(new Exception("closed without an error"));
        }

        @Override
        public void connectionClosedOnError(Exception reason) {
          closed.add(reason);
        }

        @Override
        public void reconnectingIn(int seconds) {}

        @Override
        public void reconnectionSuccessful() {}

        @Override
        public void reconnectionFailed(Exception reason) {}
      });
      try (User second = new User("hoojo", options).login("hoojo")) {
        checks.equal("second login with the same resource", "hoojo@" + options.service() + "/Smack",
            second.connection.getUser());
        Exception reason = closed.poll(User.LIMIT_MS, java.util.concurrent.TimeUnit.MILLISECONDS);
        checks.that("the first login ends with a stream error",
            reason instanceof XMPPException error && error.getStreamError() != null
                && (options.peer() || error.getStreamError().getCode().equals("conflict")),
            "stream error conflict", reason);
        checks.equal("isConnected of the second login", true, second.connection.isConnected());
      }
    }
  }
}
