package anser.smack.legacy;

import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jivesoftware.smack.RosterEntry;
import org.jivesoftware.smack.RosterGroup;
import org.jivesoftware.smack.packet.Presence;
import org.jivesoftware.smack.packet.RosterPacket.ItemStatus;
import org.jivesoftware.smack.packet.RosterPacket.ItemType;

/** The seed's testUser, with the contacts that its author made by hand in another client, and the status of testPacket. */
final class RosterSteps {

  private static final String NAME = "乔乔 & <Jo>";
  private static final String[] GROUPS = {"朋友", "Work & Play"};

  private RosterSteps() {}

  /** jojo becomes a friend with groups; lili is asked and does not answer. Smack accepts every request by itself. */
  static void befriend(User hoojo, User jojo, Options options, Checks checks) throws Exception {
    String toJojo = "jojo@" + options.service();
    String toHoojo = "hoojo@" + options.service();
    String toLili = "lili@" + options.service();

    hoojo.roster().createEntry(toJojo, NAME, GROUPS);
    hoojo.awaitRoster("jojo accepts", () -> has(hoojo, toJojo, ItemType.to));
    jojo.awaitRoster("hoojo is accepted", () -> has(jojo, toHoojo, ItemType.from));
    checks.ok("one-way subscription: to on one side, from on the other");

    jojo.roster().createEntry(toHoojo, "hoojo", new String[] {"同事"});
    hoojo.awaitRoster("both ways for hoojo", () -> has(hoojo, toJojo, ItemType.both));
    jojo.awaitRoster("both ways for jojo", () -> has(jojo, toHoojo, ItemType.both));
    hoojo.awaitRoster("hoojo sees jojo", () -> hoojo.roster().getPresence(toJojo).isAvailable());
    jojo.awaitRoster("jojo sees hoojo", () -> jojo.roster().getPresence(toHoojo).isAvailable());
    checks.ok("subscription both ways, and they see each other");

    hoojo.roster().createEntry(toLili, "lili", null);
    hoojo.awaitRoster("lili is asked",
        () -> hoojo.roster().getEntry(toLili) != null
            && hoojo.roster().getEntry(toLili).getStatus() == ItemStatus.SUBSCRIPTION_PENDING);
    checks.ok("a request that nobody answers is pending");
  }

  static void entriesAfterLogin(User hoojo, Options options, Checks checks) {
    String toJojo = "jojo@" + options.service();
    String toLili = "lili@" + options.service();
    checks.equal("Entries", Set.of(toJojo, toLili), addresses(hoojo.roster().getEntries()));
    checks.equal("UnfiledEntries", Set.of(toLili), addresses(hoojo.roster().getUnfiledEntries()));
    checks.equal("Groups", new TreeSet<>(Set.of(GROUPS)), groups(hoojo.roster().getGroups()));

    RosterEntry jojo = hoojo.roster().getEntry(toJojo);
    checks.equal("jojo's Groups", new TreeSet<>(Set.of(GROUPS)), groups(jojo.getGroups()));
    checks.equal("jojo's Name", NAME, jojo.getName());
    checks.equal("jojo's Status", null, jojo.getStatus());
    checks.equal("jojo's Type", ItemType.both, jojo.getType());
    checks.equal("jojo's User", toJojo, jojo.getUser());
    checks.that("jojo's entry as text", jojo.toString().startsWith(NAME + ": " + toJojo + " ["), NAME, jojo);

    RosterEntry lili = hoojo.roster().getEntry(toLili);
    checks.equal("lili's Groups", Set.of(), groups(lili.getGroups()));
    checks.equal("lili's Name", "lili", lili.getName());
    checks.equal("lili's Status", ItemStatus.SUBSCRIPTION_PENDING, lili.getStatus());
    checks.equal("lili's Type", ItemType.none, lili.getType());
    checks.equal("lili's User", toLili, lili.getUser());
    checks.equal("lili's entry as text", "lili: " + toLili, lili.toString());
  }

  static void chineseStatus(User hoojo, User jojo, Options options, Checks checks) throws InterruptedException {
    Presence presence = new Presence(Presence.Type.available);
    presence.setStatus("Q我吧");
    presence.setPriority(5);
    presence.setMode(Presence.Mode.away);
    hoojo.connection.sendPacket(presence);

    String address = "hoojo@" + options.service();
    jojo.awaitRoster("jojo sees the status", () -> "Q我吧".equals(jojo.roster().getPresence(address).getStatus()));
    Presence seen = jojo.roster().getPresence(address);
    checks.equal("Status", "Q我吧", seen.getStatus());
    checks.equal("Type of the presence", Presence.Type.available, seen.getType());
    checks.equal("Mode of the presence", Presence.Mode.away, seen.getMode());
    checks.equal("Priority of the presence", 5, seen.getPriority());
    checks.equal("From of the presence", address + "/Smack", seen.getFrom());
  }

  static void renameAndRemove(User hoojo, Options options, Checks checks) throws Exception {
    String toLili = "lili@" + options.service();
    RosterEntry lili = hoojo.roster().getEntry(toLili);
    lili.setName("丽丽");
    hoojo.awaitRoster("lili gets a new name", () -> "丽丽".equals(hoojo.roster().getEntry(toLili).getName()));
    checks.equal("Status after setName", ItemStatus.SUBSCRIPTION_PENDING, hoojo.roster().getEntry(toLili).getStatus());
    if (options.peer()) {
      return;
    }
    hoojo.roster().removeEntry(lili);  // sends its old ask='subscribe' along, which must not matter
    hoojo.awaitRoster("lili is removed", () -> !hoojo.roster().contains(toLili));
    checks.equal("Entries after removeEntry", Set.of("jojo@" + options.service()),
        addresses(hoojo.roster().getEntries()));
  }

  private static boolean has(User user, String address, ItemType type) {
    RosterEntry entry = user.roster().getEntry(address);
    return entry != null && entry.getType() == type;
  }

  private static Set<String> addresses(java.util.Collection<RosterEntry> entries) {
    return entries.stream().map(RosterEntry::getUser).collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> groups(java.util.Collection<RosterGroup> groups) {
    return groups.stream().map(RosterGroup::getName).collect(Collectors.toCollection(TreeSet::new));
  }
}
