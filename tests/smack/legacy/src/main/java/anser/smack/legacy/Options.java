package anser.smack.legacy;

import java.util.Set;
import java.util.TreeSet;

/**
 * What the command line asks for.
 *
 * <p>`service` is the domain that the server calls itself; `serverName` is what the user typed, the seed's `server`:
 * the same domain, or an alias of it such as 127.0.0.1.
 */
record Options(String host, int port, String service, String serverName, Mode mode, Set<String> attributes,
    boolean peer) {

  /** How the connection is configured. Every mode does every step. */
  enum Mode {
    PLAIN("plain", false, false, true),
    TLS("tls", true, false, true),
    ZLIB("zlib", false, true, true),
    TLS_ZLIB("tls-zlib", true, true, true),
    IQ_AUTH("iq-auth", true, false, false);

    final String name;
    final boolean tls;
    final boolean compression;
    final boolean sasl;

    Mode(String name, boolean tls, boolean compression, boolean sasl) {
      this.name = name;
      this.tls = tls;
      this.compression = compression;
      this.sasl = sasl;
    }

    static Mode named(String name) {
      for (Mode mode : values()) {
        if (mode.name.equals(name)) {
          return mode;
        }
      }
      throw new IllegalArgumentException("no mode " + name + "; there are plain, tls, zlib, tls-zlib and iq-auth");
    }
  }

  static final String USAGE = """
      usage: LegacyClient --host HOST --port PORT --service DOMAIN --mode plain|tls|zlib|tls-zlib|iq-auth
                          [--server-name NAME]       what the user types: DOMAIN (default) or an alias of it
                          [--attributes A,B,...]     fields of the registration form (username,password,name,email)
                          [--peer]                   leaves out what ejabberd 23.01 or Prosody 0.12 cannot do: legacy
                                                     error codes, refusing to change the password of "null",
                                                     removing a contact whose answer is pending, stamps and
                                                     stream errors that the old library reads right""";

  static Options parse(String[] args) {
    String host = "127.0.0.1";
    int port = 5222;
    String service = "localhost";
    String serverName = null;
    Mode mode = null;
    String attributes = "username,password,name,email";
    boolean peer = false;
    for (int i = 0; i < args.length; i++) {
      if (args[i].equals("--peer")) {
        peer = true;
        continue;
      }
      if (i + 1 == args.length) {
        throw new IllegalArgumentException(args[i] + " wants a value");
      }
      String value = args[i + 1];
      switch (args[i++]) {
        case "--host" -> host = value;
        case "--port" -> port = Integer.parseInt(value);
        case "--service" -> service = value;
        case "--server-name" -> serverName = value;
        case "--mode" -> mode = Mode.named(value);
        case "--attributes" -> attributes = value;
        default -> throw new IllegalArgumentException("unknown option " + args[i - 1]);
      }
    }
    if (mode == null) {
      throw new IllegalArgumentException("--mode is missing");
    }
    return new Options(host, port, service, serverName == null ? service : serverName, mode,
        new TreeSet<>(Set.of(attributes.split(","))), peer);
  }
}
