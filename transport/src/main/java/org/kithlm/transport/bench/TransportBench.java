package org.kithlm.transport.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;

/**
 * Measures each form of the allreduce between ranks, beside a UDP echo between ranks 0 and 1, a
 * star and a ring over blocking TCP. All take turns in batches, so that whatever else the machines
 * do hits all alike. A round starts when the one before it has ended, as in a forward pass, so
 * nothing is omitted between them. A value is the mean of two rounds: in one hop, ranks that are
 * half a round apart see a long and a short one in turn. The first batch warms up and does not
 * count.
 *
 * <p>Run by hand, it takes options as {@code name=value}: those of {@link BenchSettings}; {@code
 * rank}; {@code peers}, comma-separated host:port, of which as many ports from there on are used as
 * there are contenders; or {@code local}, the number of ranks to start on this machine from {@code
 * port} on.
 */
public final class TransportBench {
  /** Below the range that systems give out by themselves, to Aeron's senders among others. */
  public static final int DEFAULT_PORT = 27000;

  private static final long EPOCH = 1;
  private static final long END_SECONDS = 10;
  private static final int IP_UDP_HEADERS_BYTES = 28;

  private final BenchSettings settings;
  private final int rank;
  private final List<PeerAddress> peers;
  private final Map<String, Contender> contenders = new LinkedHashMap<>();
  private final Map<Cell, Histogram> tookNs = new LinkedHashMap<>();
  private final Map<Cell, Long> cpuNs = new LinkedHashMap<>();

  private record Cell(int payloadBytes, String contender) {}

  private TransportBench(BenchSettings settings, int rank, List<PeerAddress> peers) {
    this.settings = settings;
    this.rank = rank;
    this.peers = peers;
  }

  /** Runs one rank, or all of them with {@code local=N}; rank 0 prints what it measured. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Map<String, String> options = options(List.of(args));
    BenchSettings settings = BenchSettings.of(options);
    String local = options.get("local");
    String listed = options.get("peers");
    if (local == null && listed == null) {
      throw new IllegalArgumentException("name the ranks: peers=host:port,... or local=N");
    }
    int rank = BenchSettings.number("rank", options.getOrDefault("rank", "0"));
    BenchResult result =
        local != null
            ? local(
                settings,
                BenchSettings.number("local", local),
                BenchSettings.number(
                    "port", options.getOrDefault("port", Integer.toString(DEFAULT_PORT))))
            : run(settings, rank, parsePeers(String.valueOf(listed)));
    if (rank == 0) {
      result.print(new PrintWriter(System.out, true, System.out.charset()));
    }
  }

  /**
   * Splits options.
   *
   * @throws IllegalArgumentException if one is not {@code name=value}
   */
  static Map<String, String> options(List<String> args) {
    Map<String, String> options = new LinkedHashMap<>();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("option " + arg + ": write it as name=value");
      }
      options.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    return options;
  }

  /**
   * Runs all ranks on this machine, all but rank 0 as processes with the flags of this one.
   *
   * @param port the first of those used
   */
  public static BenchResult local(BenchSettings settings, int worldSize, int port)
      throws IOException, InterruptedException {
    List<String> addresses = new ArrayList<>();
    for (int i = 0; i < worldSize; i++) {
      addresses.add("127.0.0.1:" + (port + i * BenchSettings.CONTENDERS_MAX));
    }
    String listed = String.join(",", addresses);
    List<Process> others = new ArrayList<>();
    try {
      for (int i = 1; i < worldSize; i++) {
        others.add(start(settings, i, listed));
      }
      BenchResult result = run(settings, 0, parsePeers(listed));
      for (Process other : others) {
        other.waitFor(END_SECONDS, TimeUnit.SECONDS);
      }
      return result;
    } finally {
      others.forEach(Process::destroy);
    }
  }

  private static Process start(BenchSettings settings, int rank, String peers) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), TransportBench.class.getName()));
    settings.options().forEach((name, value) -> command.add(name + "=" + value));
    command.addAll(List.of("peers=" + peers, "rank=" + rank));
    return new ProcessBuilder(command).inheritIO().start();
  }

  private static List<PeerAddress> parsePeers(String listed) {
    List<PeerAddress> peers = new ArrayList<>();
    for (String endpoint : listed.split(",", -1)) {
      int colon = endpoint.lastIndexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException("peers: " + endpoint + " is not host:port");
      }
      peers.add(
          new PeerAddress(
              peers.size(),
              endpoint.substring(0, colon),
              BenchSettings.number("port", endpoint.substring(colon + 1))));
    }
    return peers;
  }

  /** Takes part as one rank; what the others return is not of use. */
  static BenchResult run(BenchSettings settings, int rank, List<PeerAddress> peers) {
    return new TransportBench(settings, rank, peers).measure();
  }

  private BenchResult measure() {
    try {
      open();
      for (int batch = 0; batch < settings.batches(); batch++) {
        boolean counts = batch > 0;
        for (int payloadBytes : settings.payloadBytes()) {
          for (Map.Entry<String, Contender> entry : contenders.entrySet()) {
            runBatch(new Cell(payloadBytes, entry.getKey()), entry.getValue(), counts);
          }
        }
        if (batch == 0) {
          contenders.values().forEach(Contender::warmedUp);
        }
      }
      return result();
    } finally {
      contenders.values().forEach(Contender::close);
    }
  }

  private void open() {
    int maxFloats = Collections.max(settings.payloadBytes()) / Float.BYTES;
    for (String name : settings.contenders()) {
      int shift = contenders.size();
      List<PeerAddress> shifted =
          peers.stream().map(p -> new PeerAddress(p.rank(), p.host(), p.port() + shift)).toList();
      SessionConfig config = SessionConfig.of(EPOCH, rank, shifted, maxFloats);
      if (settings.mtuLength() > 0) {
        config = config.withDatagrams(settings.mtuLength(), settings.mtuLength());
      }
      if (name.endsWith(BenchSettings.SEALED)) {
        config = config.withKey(new byte[16]);
      }
      contenders.put(name, contender(name.replace(BenchSettings.SEALED, ""), config));
    }
  }

  private static Contender contender(String name, SessionConfig config) {
    return switch (name) {
      case "udp" ->
          new UdpEcho(config.rank(), config.peers(), config.mtuLength() - IP_UDP_HEADERS_BYTES);
      case "tcp" -> new TcpStar(config.rank(), config.peers());
      case "ring" -> new TcpRing(config.rank(), config.peers());
      case "star" -> new SessionContender(config.withCollective(Collective.STAR));
      case "direct" -> new SessionContender(config.withCollective(Collective.DIRECT));
      case "two-shot" -> new SessionContender(config.withCollective(Collective.TWO_SHOT));
      case "auto" -> new SessionContender(config.withCollective(Collective.AUTO));
      case "shared-memory" -> new SessionContender(config.withCollective(Collective.SHARED_MEMORY));
      default -> throw new IllegalArgumentException("contender " + name + " is unknown");
    };
  }

  private void runBatch(Cell cell, Contender contender, boolean counts) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    Histogram histogram = tookNs.computeIfAbsent(cell, k -> new Histogram(3));
    int length = cell.payloadBytes() / Float.BYTES;
    float[] values = new float[length];
    contender.begin(length);
    long cpuBeforeNs = threads.getCurrentThreadCpuTime();
    for (int pair = 0; pair < settings.rounds() / 2; pair++) {
      long startNs = System.nanoTime();
      contender.round(values, length);
      contender.round(values, length);
      if (counts) {
        histogram.recordValue((System.nanoTime() - startNs) / 2);
      }
    }
    if (counts) {
      cpuNs.merge(cell, threads.getCurrentThreadCpuTime() - cpuBeforeNs, Long::sum);
    }
    contender.end();
  }

  private BenchResult result() {
    List<String> choices = new ArrayList<>();
    contenders.forEach(
        (name, contender) -> {
          if (contender instanceof SessionContender ours) {
            ours.describe(settings.payloadBytes()).ifPresent(d -> choices.add(name + ": " + d));
          }
        });
    List<BenchResult.Row> rows = new ArrayList<>();
    tookNs.forEach(
        (cell, histogram) ->
            rows.add(
                new BenchResult.Row(
                    cell.payloadBytes(),
                    cell.contender(),
                    histogram.getValueAtPercentile(50) / 1e3,
                    histogram.getValueAtPercentile(99) / 1e3,
                    histogram.getValueAtPercentile(99.9) / 1e3,
                    cpuNs.getOrDefault(cell, 0L) / 1e3 / (2 * histogram.getTotalCount()))));
    return new BenchResult(
        peers.size(), settings.rounds() * (settings.batches() - 1), choices, rows);
  }
}
