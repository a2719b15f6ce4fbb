package anser.smack.integration;

import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Collection;
import java.util.List;
import org.jivesoftware.smackx.bytestreams.socks5.Socks5Proxy;

/**
 * Lets two clients on one machine send files to each other when the server is on that machine too.
 *
 * <p>Smack offers the address from which it reached the server, unless that is a loopback address, and here it always
 * is: nothing is left to offer, and the file transfer would test the server's proxy (XEP-0065) alone. The unspecified
 * address leads to this machine as well, and Smack does not hide it.
 */
final class MachineSocks5Proxy extends Socks5Proxy {

  private static final int IPV4_BYTES = 4;

  private MachineSocks5Proxy() throws IOException {
    super(new ServerSocket(0));
    super.replaceLocalAddresses(List.of(InetAddress.getByAddress(new byte[IPV4_BYTES])));
  }

  /** Makes this the proxy that every connection of the library offers. */
  static void install() throws IOException, ReflectiveOperationException {
    Field instance = Socks5Proxy.class.getDeclaredField("socks5Server");
    instance.setAccessible(true);
    instance.set(null, new MachineSocks5Proxy());
  }

  @Override
  public void replaceLocalAddresses(Collection<? extends InetAddress> addresses) {
    // Called with the loopback address before each transfer.
  }
}
