package anser.smack.legacy;

import java.net.Socket;
import org.jivesoftware.smack.AccountManager;
import org.jivesoftware.smack.ConnectionConfiguration;
import org.jivesoftware.smack.ConnectionConfiguration.SecurityMode;
import org.jivesoftware.smack.XMPPConnection;

/** What the seed prints before anybody logs in: testConfig and testConnection. */
final class ConnectionSteps {

  private ConnectionSteps() {}

  static void run(Options options, Checks checks) throws Exception {
    configuration(options, checks);
    try (User stranger = new User("stranger", options)) {
      facts(stranger.connection, options, checks);
      // The server's answer tells the library what the service is really called.
      checks.equal("ServiceName after connect", options.service(), stranger.configuration.getServiceName());
      accountForm(stranger.connection.getAccountManager(), options, checks);
    }
  }

  private static void configuration(Options options, Checks checks) throws Exception {
    ConnectionConfiguration config = User.configuration(options);
    checks.equal("Host", options.host(), config.getHost());
    checks.equal("Port", options.port(), config.getPort());
    checks.equal("ServiceName", options.serverName(), config.getServiceName());
    checks.equal("PKCS11Library", "pkcs11.config", config.getPKCS11Library());
    checks.equal("TruststorePassword", "changeit", config.getTruststorePassword());
    checks.equal("TruststorePath", System.getProperty("java.home") + "/lib/security/cacerts",
        config.getTruststorePath());
    checks.equal("TruststoreType", "jks", config.getTruststoreType());
    checks.equal("SocketFactory", "org.jivesoftware.smack.proxy.DirectSocketFactory",
        config.getSocketFactory().getClass().getName());
    try (Socket socket = config.getSocketFactory().createSocket(options.host(), options.port())) {
      checks.equal("createSocket", options.port(), socket.getPort());
    }
    checks.equal("SecurityMode", options.mode().tls ? SecurityMode.enabled : SecurityMode.disabled,
        config.getSecurityMode());
    checks.equal("isCompressionEnabled", options.mode().compression, config.isCompressionEnabled());
    checks.equal("isSASLAuthenticationEnabled", options.mode().sasl, config.isSASLAuthenticationEnabled());
    checks.equal("isDebuggerEnabled", false, config.isDebuggerEnabled());
    checks.equal("isRosterLoadedAtLogin", true, config.isRosterLoadedAtLogin());
    checks.equal("isVerifyChainEnabled", false, config.isVerifyChainEnabled());
    checks.equal("isVerifyRootCAEnabled", false, config.isVerifyRootCAEnabled());
    checks.equal("isSelfSignedCertificateEnabled", false, config.isSelfSignedCertificateEnabled());
    checks.equal("isNotMatchingDomainCheckEnabled", false, config.isNotMatchingDomainCheckEnabled());
  }

  private static void facts(XMPPConnection connection, Options options, Checks checks) {
    checks.notEmpty("ConnectionID", connection.getConnectionID());
    checks.equal("getHost", options.host(), connection.getHost());
    checks.equal("getPort", options.port(), connection.getPort());
    checks.equal("isConnected", true, connection.isConnected());
    checks.equal("isAnonymous", false, connection.isAnonymous());
    checks.equal("isAuthenticated", false, connection.isAuthenticated());
    checks.equal("isSecureConnection", options.mode().tls, connection.isSecureConnection());
    checks.equal("isUsingCompression before login", false, connection.isUsingCompression());
    checks.equal("getUser before login", null, connection.getUser());
  }

  private static void accountForm(AccountManager accounts, Options options, Checks checks) {
    checks.equal("AccountAttributes", options.attributes(), new java.util.TreeSet<>(accounts.getAccountAttributes()));
    for (String attribute : accounts.getAccountAttributes()) {
      checks.equal("AccountAttribute " + attribute, "", accounts.getAccountAttribute(attribute));
    }
    checks.notEmpty("AccountInstructions", accounts.getAccountInstructions());
    checks.equal("supportsAccountCreation", true, accounts.supportsAccountCreation());
  }
}
