package anser.smack.integration;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.igniterealtime.smack.inttest.AbstractSmackIntTest;
import org.igniterealtime.smack.inttest.annotations.SmackIntegrationTest;
import org.reflections.Reflections;

/** Which tests of the suite must pass, as written in suite.txt, checked against the suite itself. */
final class Catalogue {

  /** A test method, as the suite names it. */
  record Test(String group, Class<?> suiteClass, String method, boolean races) {
    boolean is(Method other) {
      return other.getName().equals(method) && other.getDeclaringClass().isAssignableFrom(suiteClass);
    }

    String name() {
      return suiteClass.getSimpleName() + "." + method;
    }
  }

  private static final String LIST = "/suite.txt";
  private static final String[] PACKAGES = {"org.jivesoftware", "org.igniterealtime"};

  private Catalogue() {}

  /** The tests of these groups that are due now; of all groups if none is named. */
  static List<Test> due(Set<String> groups) throws IOException, ClassNotFoundException {
    Map<String, String> due = new LinkedHashMap<>();  // class to group
    Set<String> listed = new TreeSet<>();
    Set<String> racing = new TreeSet<>();
    for (String line : lines()) {
      String[] fields = line.split("\\s+");
      boolean isNew = fields.length == 3 && switch (fields[0]) {
        case "now" -> due.put(fields[2], fields[1]) == null && listed.add(fields[2]);
        case "later" -> listed.add(fields[2]);
        case "race" -> racing.add(fields[2]);
        default -> false;
      };
      if (!isNew) {
        throw new IllegalStateException(LIST + ": cannot use \"" + line + '"');
      }
    }
    Set<String> exist = existing();
    if (!exist.equals(listed)) {
      Set<String> missing = new TreeSet<>(exist);
      missing.removeAll(listed);
      listed.removeAll(exist);
      throw new IllegalStateException(LIST + " lacks " + missing + " and has " + listed + ", which do not exist");
    }
    List<Test> tests = new ArrayList<>();
    for (Map.Entry<String, String> entry : due.entrySet()) {
      if (groups.isEmpty() || groups.contains(entry.getValue())) {
        add(entry.getValue(), Class.forName(entry.getKey()), racing, tests);
      }
    }
    if (tests.isEmpty()) {
      throw new IllegalStateException("no group of " + groups + " is due; there are "
          + new TreeSet<>(due.values()));
    }
    return tests;
  }

  private static void add(String group, Class<?> suiteClass, Set<String> racing, List<Test> tests) {
    int before = tests.size();
    for (Method method : suiteClass.getMethods()) {
      if (method.isAnnotationPresent(SmackIntegrationTest.class)) {
        boolean races = racing.contains(suiteClass.getName() + "." + method.getName());
        tests.add(new Test(group, suiteClass, method.getName(), races));
      }
    }
    if (tests.size() == before) {
      throw new IllegalStateException(suiteClass + " has no tests");
    }
  }

  private static Set<String> existing() {
    Set<String> names = new TreeSet<>();
    for (Class<?> test : new Reflections((Object[]) PACKAGES).getSubTypesOf(AbstractSmackIntTest.class)) {
      if (!Modifier.isAbstract(test.getModifiers())) {
        names.add(test.getName());
      }
    }
    return names;
  }

  private static List<String> lines() throws IOException {
    try (InputStream in = Catalogue.class.getResourceAsStream(LIST);
        BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader.lines().map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith("#")).toList();
    }
  }
}
