package anser.smack.integration;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import javassist.CannotCompileException;
import javassist.ClassClassPath;
import javassist.ClassPool;
import javassist.CtClass;
import javassist.NotFoundException;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;

/**
 * Closes a race in the modular connections of Smack 4.5.0-beta5, which a fast server wins often enough to matter.
 *
 * <p>The transport registers its socket with the selector and only then stores the key it gets. If the server's bytes
 * come in between, another thread handles them with no key stored: the connection hangs, and the selector's thread dies
 * of a NullPointerException. The handler is given the key, so it can store it first.
 */
final class TransportRace {

  private static final String TRANSPORT = "org.jivesoftware.smack.tcp.XmppTcpTransportModule";

  private TransportRace() {}

  /** To be called before the class is first used. */
  static void close() throws IOException, ReflectiveOperationException {
    try {
      ClassPool pool = new ClassPool();
      pool.appendClassPath(new ClassClassPath(TransportRace.class));
      CtClass transport = pool.get(TRANSPORT);
      transport.getDeclaredMethod("onChannelSelected").insertBefore("this.selectionKey = $2;");
      MethodHandles.privateLookupIn(XMPPTCPConnection.class, MethodHandles.lookup())
          .defineClass(transport.toBytecode());
    } catch (NotFoundException | CannotCompileException changed) {
      throw new ReflectiveOperationException("not the Smack that this was written for", changed);
    }
  }
}
