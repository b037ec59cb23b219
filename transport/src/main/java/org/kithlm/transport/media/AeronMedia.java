package org.kithlm.transport.media;

import io.aeron.Aeron;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.exceptions.AeronException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.AgentInvoker;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.TransportException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An embedded media driver and its client. While a rank computes it is silent, for as long as it
 * takes, so every liveness timeout of Aeron is set beyond use; the round deadline and the control
 * plane judge who is lost.
 */
public final class AeronMedia implements Media {
  private static final Logger LOG = LoggerFactory.getLogger(AeronMedia.class);

  private static final int STREAM_ID = 1;

  // A log buffer is three terms: 768 KiB for each direction of each link.
  private static final int TERM_LENGTH_BYTES = 256 * 1024;

  // What a sender may have on the way to a rank that computes: half a term.
  private static final int WINDOW_LENGTH_BYTES = TERM_LENGTH_BYTES / 2;

  // Asked of the system, which may give less.
  private static final int SOCKET_BUFFER_BYTES = 2 * 1024 * 1024;

  // Aeron's minimum for its counters and its loss report.
  private static final int BUFFER_MIN_BYTES = 1024 * 1024;

  // Aeron's minimum for commands to its conductor: 1 MiB and a trailer.
  private static final int CONDUCTOR_BUFFER_BYTES = 1_049_344;

  private static final long BEYOND_USE_NS = TimeUnit.DAYS.toNanos(3650);

  private final DriverDirectory directory;
  private final SocketWaiter waiter;
  private final MediaDriver driver;
  private final Aeron aeron;
  private final AgentInvoker driverInvoker;
  private final AgentInvoker clientInvoker;
  private final List<DatagramLimit> limits = new ArrayList<>(); // of each peer
  private final List<AeronReceiver> receivers = new ArrayList<>();
  private final AtomicReference<@Nullable Throwable> clientError = new AtomicReference<>();

  /**
   * Starts a driver that receives at this rank's address.
   *
   * @throws TransportException if the address cannot be bound, or the driver cannot start or has no
   *     folder
   */
  public AeronMedia(SessionConfig config) {
    directory = DriverDirectory.create(config.driverParent());
    waiter = new SocketWaiter();
    PeerAddress own = config.peers().get(config.rank());
    MediaDriver newDriver = null;
    Aeron newAeron = null;
    try {
      newDriver = MediaDriver.launch(driverContext(config));
      newAeron = Aeron.connect(clientContext(newDriver));
      newAeron.addSubscription(
          channel(own, ""),
          STREAM_ID,
          image -> receivers.add(new AeronReceiver(image)),
          image -> receivers.removeIf(receiver -> receiver.isOf(image)));
    } catch (RuntimeException e) {
      closeAll(newAeron, newDriver);
      throw new TransportException("cannot receive at " + own + ": " + e.getMessage(), e);
    }
    driver = newDriver;
    aeron = newAeron;
    driverInvoker = driver.sharedAgentInvoker();
    clientInvoker = aeron.conductorAgentInvoker();
  }

  @Override
  public int doWork() {
    int work = driverInvoker.invoke() + clientInvoker.invoke();
    Throwable error = clientError.get();
    if (error != null) {
      throw new TransportException("the Aeron client failed: " + error.getMessage(), error);
    }
    return work;
  }

  @Override
  @SuppressWarnings("ThreadPriorityCheck") // any scheduler will do: it is a matter of speed only
  public void giveWay() {
    Thread.yield();
  }

  @Override
  public void nap(long napNs) {
    // The driver's parts run in turn, so the last may have left work for the first.
    if (driverInvoker.invoke() == 0) {
      LockSupport.parkNanos(napNs);
    }
  }

  @Override
  public void await(long timeoutMs) {
    waiter.await(timeoutMs);
  }

  @Override
  public void wakeUp() {
    waiter.wakeUp();
  }

  @Override
  public FrameSender senderTo(PeerAddress peer) {
    try {
      String options = "|term-length=" + TERM_LENGTH_BYTES;
      return new AeronSender(
          peer,
          aeron.addExclusivePublication(channel(peer, options), STREAM_ID),
          aeron.countersReader());
    } catch (AeronException e) {
      throw new TransportException("cannot send to " + peer + ": " + e.getMessage(), e);
    }
  }

  @Override
  public int frameLengthMax() {
    int length = Integer.MAX_VALUE;
    for (int i = 0, n = limits.size(); i < n; i++) {
      length = Math.min(length, limits.get(i).frameLength());
    }
    return length;
  }

  @Override
  public int receiverCount() {
    return receivers.size();
  }

  @Override
  public FrameReceiver receiver(int index) {
    return receivers.get(index);
  }

  /** Ends client and driver and deletes their directory. */
  @Override
  public void close() {
    closeAll(aeron, driver);
  }

  private void closeAll(@Nullable Aeron openAeron, @Nullable MediaDriver openDriver) {
    try (directory;
        waiter;
        openDriver;
        openAeron) {
      LOG.debug("closing the media driver in {}", directory.path());
    }
  }

  private MediaDriver.Context driverContext(SessionConfig config) {
    MediaDriver.Context context = new MediaDriver.Context();
    return context
        .receiveChannelEndpointSupplier(
            (channel, dispatcher, status, own) ->
                new OwnEndpoint(channel, dispatcher, status, own, waiter))
        .sendChannelEndpointSupplier(
            (channel, status, own) ->
                new PeerEndpoint(channel, status, own, waiter, newLimit(config)))
        .aeronDirectoryName(directory.path().toString())
        .dirDeleteOnStart(true)
        .dirDeleteOnShutdown(true)
        .threadingMode(ThreadingMode.INVOKER)
        .asyncExecutorEnabled(false)
        .mtuLength(config.datagramLength())
        .publicationTermBufferLength(TERM_LENGTH_BYTES)
        .initialWindowLength(WINDOW_LENGTH_BYTES)
        .socketRcvbufLength(SOCKET_BUFFER_BYTES)
        .socketSndbufLength(SOCKET_BUFFER_BYTES)
        .termBufferSparseFile(true)
        .counterValuesBufferLength(BUFFER_MIN_BYTES)
        .conductorBufferLength(CONDUCTOR_BUFFER_BYTES)
        .lossReportBufferLength(BUFFER_MIN_BYTES)
        .imageLivenessTimeoutNs(BEYOND_USE_NS)
        .publicationConnectionTimeoutNs(BEYOND_USE_NS)
        .clientLivenessTimeoutNs(BEYOND_USE_NS)
        .publicationUnblockTimeoutNs(BEYOND_USE_NS + 1)
        .driverTimeoutMs(TimeUnit.NANOSECONDS.toMillis(BEYOND_USE_NS))
        .errorHandler(error -> LOG.debug("media driver: {}", error.toString()));
  }

  private DatagramLimit newLimit(SessionConfig config) {
    DatagramLimit limit = new DatagramLimit(config.mtuLength(), config.datagramLength());
    limits.add(limit);
    return limit;
  }

  private Aeron.Context clientContext(MediaDriver newDriver) {
    return new Aeron.Context()
        .aeronDirectoryName(newDriver.aeronDirectoryName())
        .driverAgentInvoker(newDriver.sharedAgentInvoker())
        .useConductorAgentInvoker(true)
        .driverTimeoutMs(TimeUnit.NANOSECONDS.toMillis(BEYOND_USE_NS))
        .errorHandler(error -> clientError.compareAndSet(null, error));
  }

  private static String channel(PeerAddress peer, String options) {
    return "aeron:udp?endpoint=" + peer.endpoint() + options;
  }
}
