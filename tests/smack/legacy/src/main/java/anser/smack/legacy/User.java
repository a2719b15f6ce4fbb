package anser.smack.legacy;

import java.util.Collection;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jivesoftware.smack.ConnectionConfiguration;
import org.jivesoftware.smack.ConnectionConfiguration.SecurityMode;
import org.jivesoftware.smack.PacketCollector;
import org.jivesoftware.smack.PacketListener;
import org.jivesoftware.smack.Roster;
import org.jivesoftware.smack.RosterListener;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.XMPPException;
import org.jivesoftware.smack.filter.PacketIDFilter;
import org.jivesoftware.smack.filter.PacketTypeFilter;
import org.jivesoftware.smack.packet.IQ;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Packet;
import org.jivesoftware.smack.packet.Presence;
import org.jivesoftware.smack.packet.Session;

/** One person at one connection of the old library, with the waiting that tests need. */
final class User implements AutoCloseable {

  /** How long anything may take. Far above what a healthy server needs, far below a hanging build. */
  static final long LIMIT_MS = 60_000;

  final String name;
  final ConnectionConfiguration configuration;
  final XMPPConnection connection;

  private final Object rosterNews = new Object();
  private final PacketCollector messages;

  /** Connects, and does not log in. */
  User(String name, Options options) throws XMPPException {
    this.name = name;
    configuration = configuration(options);
    connection = new XMPPConnection(configuration);
    // Before login, so that a message which waits for us cannot slip past.
    connection.connect();
    messages = connection.createPacketCollector(new PacketTypeFilter(Message.class));
  }

  static ConnectionConfiguration configuration(Options options) {
    String server = options.serverName();
    ConnectionConfiguration configuration = server.equals(options.host())
        ? new ConnectionConfiguration(server, options.port())
        : new ConnectionConfiguration(options.host(), options.port(), server);
    if (!options.mode().tls) {
      configuration.setSecurityMode(SecurityMode.disabled);
    }
    configuration.setCompressionEnabled(options.mode().compression);
    configuration.setSASLAuthenticationEnabled(options.mode().sasl);
    configuration.setDebuggerEnabled(false);
    configuration.setReconnectionAllowed(false);
    return configuration;
  }

  User login(String password) throws XMPPException {
    connection.login(name, password);
    roster().addRosterListener(new RosterListener() {
      @Override
      public void entriesAdded(Collection<String> addresses) {
        tell();
      }

      @Override
      public void entriesUpdated(Collection<String> addresses) {
        tell();
      }

      @Override
      public void entriesDeleted(Collection<String> addresses) {
        tell();
      }

      @Override
      public void presenceChanged(Presence presence) {
        tell();
      }

      private void tell() {
        synchronized (rosterNews) {
          rosterNews.notifyAll();
        }
      }
    });
    return this;
  }

  Roster roster() {
    return connection.getRoster();
  }

  /** Waits until a change of contacts or of their presence makes `condition` true. */
  void awaitRoster(String step, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
    synchronized (rosterNews) {
      while (!condition.getAsBoolean()) {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          throw new Checks.Failed(step, "within " + LIMIT_MS + " ms", describeRoster());
        }
        rosterNews.wait(left);
      }
    }
  }

  /** The next message that came in on this connection, whatever it is. */
  Message nextMessage(String step) {
    return (Message) answer(step, messages);
  }

  /** Sends an IQ and gives the answer to it, result or error. */
  IQ ask(String step, IQ request) {
    PacketCollector answers = connection.createPacketCollector(new PacketIDFilter(request.getPacketID()));
    connection.sendPacket(request);
    try {
      return (IQ) answer(step, answers);
    } finally {
      answers.cancel();
    }
  }

  /**
   * Waits until the library's listeners have had all that came in so far. A collector has a packet before they do, and a
   * listener added meanwhile, as each manager of the library adds one, still hears of it.
   */
  void awaitListeners(String step) throws InterruptedException {
    Session request = new Session();
    CountDownLatch heard = new CountDownLatch(1);
    PacketListener last = packet -> heard.countDown();
    connection.addPacketListener(last, new PacketIDFilter(request.getPacketID()));
    connection.sendPacket(request);
    boolean inTime = heard.await(LIMIT_MS, TimeUnit.MILLISECONDS);
    connection.removePacketListener(last);
    if (!inTime) {
      throw new Checks.Failed(step, "an answer within " + LIMIT_MS + " ms", "nothing");
    }
  }

  @Override
  public void close() {
    connection.disconnect();
  }

  private static Packet answer(String step, PacketCollector collector) {
    Packet packet = collector.nextResult(LIMIT_MS);
    if (packet == null) {
      throw new Checks.Failed(step, "a stanza within " + LIMIT_MS + " ms", "nothing");
    }
    return packet;
  }

  private String describeRoster() {
    StringBuilder text = new StringBuilder("the contacts of " + name + ":");
    roster().getEntries().forEach(entry -> text.append("\n    ").append(entry).append(' ').append(entry.getType())
        .append(' ').append(entry.getStatus()).append(' ').append(roster().getPresence(entry.getUser())));
    return text.toString();
  }
}
