package anser.smack.integration;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Makes this program trust the certificate that the server shows now, as a person does at the first connection.
 * From then on everything is checked as usual, the name in the certificate too.
 */
final class ServerCertificate {

  private static final int TIMEOUT_MS = 60_000;
  private static final String STORE_TYPE = "PKCS12";

  private ServerCertificate() {}

  static void trust(String host, int port, String service) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(STORE_TYPE);
    store.load(null, null);
    store.setCertificateEntry("server", fetch(host, port, service));
    Path file = Files.createTempFile("smack-trust", ".p12");
    file.toFile().deleteOnExit();
    char[] password = "changeit".toCharArray();
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password);
    }
    System.setProperty("javax.net.ssl.trustStore", file.toString());
    System.setProperty("javax.net.ssl.trustStoreType", STORE_TYPE);
    System.setProperty("javax.net.ssl.trustStorePassword", new String(password));
  }

  private static Certificate fetch(String host, int port, String service)
      throws IOException, GeneralSecurityException {
    try (Socket socket = new Socket(host, port)) {
      socket.setSoTimeout(TIMEOUT_MS);
      send(socket, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + service
          + "' version='1.0'>");
      receiveUpTo(socket, "</stream:features>");
      send(socket, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
      receiveUpTo(socket, ">");
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Curious()}, new SecureRandom());
      try (SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(socket, service, port, true)) {
        secure.startHandshake();
        return secure.getSession().getPeerCertificates()[0];
      }
    }
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  private static void receiveUpTo(Socket socket, String end) throws IOException {
    InputStream in = socket.getInputStream();
    StringBuilder text = new StringBuilder();
    while (text.indexOf(end) < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the server hung up after: " + text);
      }
      text.append((char) next);  // ASCII is all we look for
    }
  }

  /** Accepts anything, to have a look at it. */
  private static final class Curious implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
