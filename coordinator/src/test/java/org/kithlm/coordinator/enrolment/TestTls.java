package org.kithlm.coordinator.enrolment;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.security.Identity;
import org.slf4j.LoggerFactory;

/** A stranger's TLS, and what the other side logs of it. */
public final class TestTls {
  private TestTls() {}

  /** Trusts a root certificate and shows an identity, or none. */
  static SSLContext context(X509Certificate root, @Nullable Identity shown) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("root", root);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    if (shown != null) {
      Certificate[] chain = {shown.certificate(), shown.root()};
      keys.setKeyEntry("shown", shown.key(), new char[0], chain);
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    KeyManagerFactory key = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    key.init(keys, new char[0]);
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(key.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  /** What KithLM logs from now on. */
  public static final class Log extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 20;

    private final List<String> lines = new ArrayList<>(); // guarded by this
    private final Logger logger = (Logger) LoggerFactory.getLogger("org.kithlm");

    public Log() {
      start();
      logger.addAppender(this);
    }

    @Override
    protected synchronized void append(ILoggingEvent event) {
      lines.add(event.getFormattedMessage());
      notifyAll();
    }

    public synchronized boolean has(String part) {
      return lines.stream().anyMatch(line -> line.contains(part));
    }

    /** Waits for a line. */
    public synchronized void await(String part) throws InterruptedException {
      long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (!has(part)) {
        long leftNs = deadlineNs - System.nanoTime();
        if (leftNs <= 0) {
          throw new AssertionError("'" + part + "' is not in the log: " + lines);
        }
        TimeUnit.NANOSECONDS.timedWait(this, leftNs);
      }
    }

    @Override
    public void close() {
      logger.detachAppender(this);
    }
  }
}
