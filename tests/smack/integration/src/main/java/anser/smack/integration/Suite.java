package anser.smack.integration;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.Timer;
import java.util.TimerTask;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.igniterealtime.smack.inttest.Configuration;
import org.igniterealtime.smack.inttest.FailedTest;
import org.igniterealtime.smack.inttest.SmackIntegrationTestFramework;
import org.igniterealtime.smack.inttest.SmackIntegrationTestFramework.TestRunResult;
import org.igniterealtime.smack.inttest.SuccessfulTest;
import org.igniterealtime.smack.inttest.TestNotPossible;
import org.jivesoftware.smackx.iqregister.AccountManager;

/**
 * Runs the groups of Smack's integration suite that are due (suite.txt) over each kind of connection, on accounts that
 * it registers and deletes itself. A test passes only if it ran and succeeded: skipped or impossible is failed.
 *
 * <p>The few tests that race with themselves, as suite.txt says, are run again with fresh accounts when they fail, and
 * their lines say so. All others have one attempt.
 */
public final class Suite {

  private static final int PORT = 5222;  // the suite knows no other
  private static final long WHOLE_RUN_MS = 2_400_000;

  private static final String USAGE = """
      usage: Suite --host HOST --service DOMAIN
                   [--connections A,B,...]   kinds of connection (tcp,modular,modular-nocompress)
                   [--tls A,B,...|none]      which of them use TLS, with the certificate checked (tcp); in this
                                             version of the library the modular ones hang in a handshake now and then
                   [--groups A,B,...]        groups of suite.txt (all that are due)
                   [--reply-timeout MS]      how long the suite waits for anything (30000)
                   [--attempts N]            how often a test that races with itself may be tried (8)
                   [--debug]                 prints every stanza to standard error""";

  private final Map<String, String> options;
  private final List<Catalogue.Test> tests;
  private int passed;
  private int failed;

  private Suite(Map<String, String> options, List<Catalogue.Test> tests) {
    this.options = options;
    this.tests = tests;
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> options;
    try {
      options = parse(args);
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage() + "\n" + USAGE);
      System.exit(2);
      return;
    }
    limitTheRun();
    System.exit(new Suite(options, Catalogue.due(list(options, "groups"))).run() ? 0 : 1);
  }

  private boolean run() throws Exception {
    if (!options.containsKey("debug")) {
      Logger.getLogger("").setLevel(Level.OFF);  // the lines below say what failed and why
    }
    if (list(options, "connections").stream().anyMatch(this::usesTls)) {
      ServerCertificate.trust(options.get("host"), PORT, options.get("service"));
    }
    AccountManager.sensitiveOperationOverInsecureConnectionDefault(true);
    ReactorRaces.close();
    MachineSocks5Proxy.install();

    for (String connection : list(options, "connections")) {
      runOver(connection);
    }
    System.out.println(passed + " passed, " + failed + " failed");
    return failed == 0 && passed > 0;
  }

  private void runOver(String connection) {
    Map<Catalogue.Test, Verdict> verdicts = attempt(connection, tests);
    Map<Catalogue.Test, Verdict> earlier = new LinkedHashMap<>();
    int attempts = Integer.parseInt(options.get("attempts"));
    for (int attempt = 2; attempt <= attempts; attempt++) {
      List<Catalogue.Test> again = tests.stream().filter(test -> test.races() && !verdicts.get(test).passed).toList();
      if (again.isEmpty()) {
        break;
      }
      again.forEach(test -> earlier.put(test, verdicts.get(test)));
      verdicts.putAll(attempt(connection, again));
    }
    for (Catalogue.Test test : tests) {
      Verdict verdict = verdicts.get(test);
      String line = connection + " " + test.group() + " " + test.name() + ": " + verdict.text;
      if (earlier.containsKey(test)) {
        line += ", after " + earlier.get(test).text;
      }
      if (verdict.passed) {
        passed++;
        System.out.println("ok - " + line);
      } else {
        failed++;
        System.out.println("not ok - " + line);
      }
    }
  }

  /** How one test ended, in words that fit a line. */
  private record Verdict(boolean passed, String text) {}

  /** Runs the classes of these tests once. Gives a verdict for each, whatever happened. */
  private Map<Catalogue.Test, Verdict> attempt(String connection, List<Catalogue.Test> wanted) {
    Map<Catalogue.Test, Verdict> verdicts = new LinkedHashMap<>();
    try {
      TestRunResult result = new SmackIntegrationTestFramework(configuration(connection, wanted)).run();
      for (Catalogue.Test test : wanted) {
        verdicts.put(test, judge(test, result));
      }
    } catch (Exception | AssertionError aborted) {
      for (Catalogue.Test test : wanted) {
        verdicts.put(test, new Verdict(false, "the run was aborted: " + reason(aborted)));
      }
    }
    return verdicts;
  }

  private static Verdict judge(Catalogue.Test test, TestRunResult result) {
    for (FailedTest failure : result.getFailedTests()) {
      if (test.is(failure.concreteTest.getMethod())) {
        return new Verdict(false, reason(failure.failureReason));
      }
    }
    for (TestNotPossible impossible : result.getNotPossibleTests()) {
      if (test.is(impossible.concreteTest.getMethod())) {
        return new Verdict(false, "not possible: " + reason(impossible.testNotPossibleException));
      }
    }
    for (Map.Entry<?, Throwable> impossible : result.getImpossibleTestClasses().entrySet()) {
      if (impossible.getKey().equals(test.suiteClass())) {
        return new Verdict(false, "not possible: " + reason(impossible.getValue()));
      }
    }
    for (SuccessfulTest success : result.getSuccessfulTests()) {
      if (test.is(success.concreteTest.getMethod())) {
        return new Verdict(true, success.duration + " ms");
      }
    }
    return new Verdict(false, "did not run");
  }

  private static String reason(Throwable failure) {
    StringBuilder text = new StringBuilder(String.valueOf(failure));
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      text.append("; because ").append(cause);
    }
    return text.toString().replaceAll("\\s+", " ");
  }

  /** The suite reads its settings from system properties only. */
  private Configuration configuration(String connection, List<Catalogue.Test> wanted)
      throws IOException, java.security.GeneralSecurityException {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("host", options.get("host"));
    settings.put("service", options.get("service"));
    settings.put("securityMode", usesTls(connection) ? "required" : "disabled");
    settings.put("replyTimeout", options.get("reply-timeout"));
    settings.put("defaultConnection", connection);
    settings.put("enabledConnections", connection);
    settings.put("enabledTests",
        wanted.stream().map(test -> test.suiteClass().getName()).distinct().collect(Collectors.joining(",")));
    if (options.containsKey("debug")) {
      settings.put("debugger", "console");
    }
    settings.forEach((name, value) -> System.setProperty("sinttest." + name, value));
    return Configuration.newConfiguration(new String[0]);
  }

  private static Map<String, String> parse(String[] args) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("connections", "tcp,modular,modular-nocompress");
    options.put("tls", "tcp");
    options.put("groups", "");
    options.put("reply-timeout", "30000");
    options.put("attempts", "8");
    Set<String> known = new LinkedHashSet<>(options.keySet());
    known.addAll(List.of("host", "service", "debug"));
    for (int i = 0; i < args.length; i++) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      if (!known.contains(name)) {
        throw new IllegalArgumentException("unknown option " + args[i]);
      }
      if (name.equals("debug")) {
        options.put(name, "");
      } else if (++i < args.length) {
        options.put(name, args[i]);
      } else {
        throw new IllegalArgumentException("--" + name + " wants a value");
      }
    }
    if (!options.containsKey("host") || !options.containsKey("service")) {
      throw new IllegalArgumentException("--host and --service are needed");
    }
    return options;
  }

  private boolean usesTls(String connection) {
    return list(options, "tls").contains(connection);
  }

  private static Set<String> list(Map<String, String> options, String name) {
    return Arrays.stream(options.get(name).split(",")).filter(item -> !item.isEmpty())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** Each wait of the suite has its own limit; this one is for a thread stuck in it. */
  private static void limitTheRun() {
    new Timer("limit", true).schedule(new TimerTask() {
      @Override
      public void run() {
        List<String> stuck = new ArrayList<>();
        Thread.getAllStackTraces().forEach((thread, trace) -> {
          if (thread.getName().equals("main")) {
            Arrays.stream(trace).forEach(frame -> stuck.add("  at " + frame));
          }
        });
        System.out.println("not ok - the suite did not end\n" + String.join("\n", stuck));
        Runtime.getRuntime().halt(1);
      }
    }, WHOLE_RUN_MS);
  }
}
