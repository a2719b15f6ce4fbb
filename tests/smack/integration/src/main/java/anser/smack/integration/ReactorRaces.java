package anser.smack.integration;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import javassist.CannotCompileException;
import javassist.ClassClassPath;
import javassist.ClassPool;
import javassist.CtClass;
import javassist.NotFoundException;
import org.jivesoftware.smack.SmackException;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;

/**
 * Closes races in the modular connections of Smack 4.5.0-beta5, which a fast server wins often enough to matter.
 *
 * <p>The transport registers its socket with the selector and only then stores the key it gets: if bytes come in
 * between, another thread handles them without the key and the connection hangs. At the end it forgets the key while
 * that thread may still use it. Either way the thread, one of two for all connections, dies of a NullPointerException.
 * So the key is stored by whoever is given it first, and a missing one is passed over.
 */
final class ReactorRaces {

  private static final String TRANSPORT = "org.jivesoftware.smack.tcp.XmppTcpTransportModule";
  private static final String REACTOR = "org.jivesoftware.smack.SmackReactor";

  private ReactorRaces() {}

  /** To be called before the first connection. */
  static void close() throws IOException, ReflectiveOperationException {
    mend(REACTOR, "setInterestOps", "if ($1 == null) return;", SmackException.class);
    mend(TRANSPORT, "onChannelSelected",
        "if (this.selectionKey == null && this.socketChannel != null) this.selectionKey = $2;",
        XMPPTCPConnection.class);
  }

  private static void mend(String className, String method, String before, Class<?> neighbour)
      throws IOException, ReflectiveOperationException {
    try {
      ClassPool pool = new ClassPool();
      pool.appendClassPath(new ClassClassPath(ReactorRaces.class));
      CtClass mended = pool.get(className);
      mended.getDeclaredMethod(method).insertBefore(before);
      MethodHandles.privateLookupIn(neighbour, MethodHandles.lookup()).defineClass(mended.toBytecode());
    } catch (NotFoundException | CannotCompileException changed) {
      throw new ReflectiveOperationException("not the Smack that this was written for", changed);
    }
  }
}
