package org.kithlm.node.security;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An engine that logs why its handshake failed, once: nobody above it does; and tells when its peer
 * has closed the connection. As thread-safe as the engine it wraps.
 */
final class LoggedEngine extends SSLEngine {
  private static final Logger LOG = LoggerFactory.getLogger(LoggedEngine.class);

  private final SSLEngine engine;
  private final Consumer<SSLSession> onClosed;
  private final Inspection inspection;
  private boolean logged; // by the one thread that unwraps and wraps

  /** Looks at what a peer sends. */
  @FunctionalInterface
  interface Inspection {
    /**
     * Takes the next bytes of the plain text.
     *
     * @throws SSLException if the connection is to end; the inspection has logged why
     */
    void inspect(SSLSession session, ByteBuffer bytes) throws SSLException;
  }

  /**
   * Wraps an engine.
   *
   * @param onClosed told the session whose peer sends nothing more; must not block
   */
  LoggedEngine(SSLEngine engine, Consumer<SSLSession> onClosed) {
    this(engine, onClosed, (session, bytes) -> {});
  }

  /** Also has a look at what the peer sends. */
  LoggedEngine(SSLEngine engine, Consumer<SSLSession> onClosed, Inspection inspection) {
    super(engine.getPeerHost(), engine.getPeerPort());
    this.engine = engine;
    this.onClosed = onClosed;
    this.inspection = inspection;
  }

  private SSLException failed(SSLException failure) {
    if (!logged) {
      logged = true;
      LOG.warn(
          "refused {}: {}",
          engine.getUseClientMode() ? getPeerHost() + ":" + getPeerPort() : "a connection",
          failure.getMessage());
    }
    return failure;
  }

  @Override
  public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer target)
      throws SSLException {
    try {
      return engine.wrap(sources, offset, length, target);
    } catch (SSLException e) {
      throw failed(e);
    }
  }

  @Override
  public SSLEngineResult unwrap(ByteBuffer source, ByteBuffer[] targets, int offset, int length)
      throws SSLException {
    int[] before = new int[length];
    for (int i = 0; i < length; i++) {
      before[i] = targets[offset + i].position();
    }
    SSLEngineResult result;
    try {
      result = engine.unwrap(source, targets, offset, length);
    } catch (SSLException e) {
      throw failed(e);
    }
    if (result.bytesProduced() > 0) {
      for (int i = 0; i < length; i++) {
        ByteBuffer target = targets[offset + i];
        inspection.inspect(
            engine.getSession(), target.slice(before[i], target.position() - before[i]));
      }
    }
    return result;
  }

  @Override
  public Runnable getDelegatedTask() {
    return engine.getDelegatedTask();
  }

  @Override
  public void closeInbound() throws SSLException {
    try {
      engine.closeInbound(); // throws if the peer has not said goodbye
    } finally {
      onClosed.accept(engine.getSession());
    }
  }

  @Override
  public boolean isInboundDone() {
    return engine.isInboundDone();
  }

  @Override
  public void closeOutbound() {
    engine.closeOutbound();
  }

  @Override
  public boolean isOutboundDone() {
    return engine.isOutboundDone();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return engine.getSupportedCipherSuites();
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return engine.getEnabledCipherSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {
    engine.setEnabledCipherSuites(suites);
  }

  @Override
  public String[] getSupportedProtocols() {
    return engine.getSupportedProtocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return engine.getEnabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {
    engine.setEnabledProtocols(protocols);
  }

  @Override
  public SSLSession getSession() {
    return engine.getSession();
  }

  @Override
  public @Nullable SSLSession getHandshakeSession() {
    return engine.getHandshakeSession();
  }

  @Override
  public void beginHandshake() throws SSLException {
    engine.beginHandshake();
  }

  @Override
  public SSLEngineResult.HandshakeStatus getHandshakeStatus() {
    return engine.getHandshakeStatus();
  }

  @Override
  public void setUseClientMode(boolean mode) {
    engine.setUseClientMode(mode);
  }

  @Override
  public boolean getUseClientMode() {
    return engine.getUseClientMode();
  }

  @Override
  public void setNeedClientAuth(boolean need) {
    engine.setNeedClientAuth(need);
  }

  @Override
  public boolean getNeedClientAuth() {
    return engine.getNeedClientAuth();
  }

  @Override
  public void setWantClientAuth(boolean want) {
    engine.setWantClientAuth(want);
  }

  @Override
  public boolean getWantClientAuth() {
    return engine.getWantClientAuth();
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {
    engine.setEnableSessionCreation(flag);
  }

  @Override
  public boolean getEnableSessionCreation() {
    return engine.getEnableSessionCreation();
  }

  @Override
  public SSLParameters getSSLParameters() {
    return engine.getSSLParameters();
  }

  @Override
  public void setSSLParameters(SSLParameters parameters) {
    engine.setSSLParameters(parameters);
  }

  @Override
  public String getApplicationProtocol() {
    return engine.getApplicationProtocol();
  }

  @Override
  public String getHandshakeApplicationProtocol() {
    return engine.getHandshakeApplicationProtocol();
  }

  @Override
  public void setHandshakeApplicationProtocolSelector(
      BiFunction<SSLEngine, List<String>, String> selector) {
    engine.setHandshakeApplicationProtocolSelector(selector);
  }

  @Override
  public BiFunction<SSLEngine, List<String>, String> getHandshakeApplicationProtocolSelector() {
    return engine.getHandshakeApplicationProtocolSelector();
  }
}
