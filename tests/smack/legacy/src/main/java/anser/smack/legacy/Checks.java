package anser.smack.legacy;

import java.util.Objects;
import org.jivesoftware.smack.XMPPException;

/** Counts and prints what held. The first thing that does not hold ends the run: later steps build on earlier ones. */
final class Checks {

  /** A step did not give what it should; the message says what was expected and what came. */
  static final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failed(String step, Object expected, Object got) {
      super(step + "\n  expected: " + expected + "\n  got:      " + got);
    }
  }

  /** Something that Smack may refuse to do. */
  interface Action {
    void run() throws XMPPException;
  }

  private volatile int passed;
  private volatile String last = "start";

  int passed() {
    return passed;
  }

  /** The last step that held: where to look when the run does not end. */
  String last() {
    return last;
  }

  void ok(String step) {
    passed++;
    last = step;
    System.out.println("ok - " + step);
  }

  void equal(String step, Object expected, Object got) {
    that(step, Objects.equals(expected, got), expected, got);
  }

  void notEmpty(String step, String got) {
    that(step, got != null && !got.isBlank(), "some text", got);
  }

  void that(String step, boolean holds, Object expected, Object got) {
    if (!holds) {
      throw new Failed(step, show(expected), show(got));
    }
    ok(step + ": " + show(got));
  }

  /** The action must be refused by the server: an answer with an error, not a connection that broke or kept silent. */
  XMPPException refused(String step, Action action) {
    try {
      action.run();
    } catch (XMPPException refusal) {
      String text = String.valueOf(refusal.getMessage());
      boolean silent = refusal.getXMPPError() == null && !text.contains("SASL authentication");
      if (silent) {
        throw new Failed(step, "an error from the server", text);
      }
      ok(step + ": " + text);
      return refusal;
    }
    throw new Failed(step, "an XMPPException", "success");
  }

  private static String show(Object value) {
    return value instanceof String text ? '"' + text + '"' : String.valueOf(value);
  }
}
