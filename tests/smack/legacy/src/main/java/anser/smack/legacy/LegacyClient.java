package anser.smack.legacy;

import java.util.Timer;
import java.util.TimerTask;
import org.jivesoftware.smack.SmackConfiguration;

/**
 * Everything that a program of 2012 does with Smack 3.2.1, with every value it prints asserted: the configuration,
 * the connection before login, accounts, contacts, status, session, messages, chats and properties.
 *
 * <p>Prints a line per step, then the count. Exit code 0 if all held, 1 at the first that did not, 2 for wrong usage.
 */
public final class LegacyClient {

  private static final long WHOLE_RUN_MS = 600_000;

  private LegacyClient() {}

  public static void main(String[] args) {
    Options options;
    try {
      options = Options.parse(args);
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage() + "\n" + Options.USAGE);
      System.exit(2);
      return;
    }
    Checks checks = new Checks();
    limitTheRun(checks);
    SmackConfiguration.setPacketReplyTimeout((int) User.LIMIT_MS);
    try {
      ConnectionSteps.run(options, checks);
      AccountSteps.run(options, checks);
      ConversationSteps.run(options, checks);
      checks.ok("every step of mode " + options.mode().name + " as \"" + options.serverName() + '"');
    } catch (Exception failure) {
      System.out.println("not ok - after \"" + checks.last() + "\": " + failure.getMessage());
      if (!(failure instanceof Checks.Failed)) {
        failure.printStackTrace(System.out);
      }
      System.out.println(checks.passed() + " passed, 1 failed");
      System.exit(1);
    }
    System.out.println(checks.passed() + " passed, 0 failed");
    System.exit(0);  // the old library leaves threads behind
  }

  /** Each wait has its own limit; this one is for a thread stuck in the library. */
  private static void limitTheRun(Checks checks) {
    new Timer("limit", true).schedule(new TimerTask() {
      @Override
      public void run() {
        System.out.println("not ok - stuck after \"" + checks.last() + '"');
        Runtime.getRuntime().halt(1);
      }
    }, WHOLE_RUN_MS);
  }
}
