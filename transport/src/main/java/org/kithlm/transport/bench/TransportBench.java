package org.kithlm.transport.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;

/**
 * Measures each form of the allreduce between ranks, beside a UDP echo between ranks 0 and 1 and a
 * star over blocking TCP. All take turns in batches, so that whatever else the machines do hits all
 * alike. A round starts when the one before it has ended, as in a forward pass, so nothing is
 * omitted between them. A value is the mean of two rounds: in one hop, ranks that are half a round
 * apart see a long and a short one in turn. The first batch warms up and does not count.
 *
 * <p>Options, each as {@code name=value}: {@code rank}; {@code peers}, comma-separated host:port,
 * of which as many ports from there on are used as there are contenders; or {@code local}, the
 * number of ranks to start on this machine from {@code port} on; {@code bytes}, comma-separated
 * payloads; {@code rounds} per batch; {@code batches}; {@code mtu} for UDP; {@code contenders},
 * some of {@code udp,tcp,star,direct,two-shot,auto}, and each of the last four also with {@code
 * -sealed} behind its name.
 */
public final class TransportBench {
  private static final String ALL = "udp,tcp,star,direct,two-shot,auto";
  private static final int CONTENDERS_MAX = 10;

  // Below the range that systems give out by themselves, to Aeron's senders among others.
  private static final String DEFAULT_PORT = "27000";

  private static final String SEALED = "-sealed";
  private static final long EPOCH = 1;
  private static final int IP_UDP_HEADERS_BYTES = 28;

  private final Map<String, String> options;
  private final int rank;
  private final List<PeerAddress> peers;
  private final int[] lengths;
  private final int rounds;
  private final int batches;
  private final PrintStream out;
  private final Map<String, Contender> contenders = new LinkedHashMap<>();
  private final Map<String, Histogram> tookNs = new TreeMap<>();
  private final Map<String, Long> cpuNs = new TreeMap<>();

  private TransportBench(Map<String, String> options, List<PeerAddress> peers, PrintStream out) {
    this.options = options;
    this.peers = peers;
    this.out = out;
    rank = Integer.parseInt(options.getOrDefault("rank", "0"));
    lengths =
        Arrays.stream(options.getOrDefault("bytes", "2304,6144,32768").split(",", -1))
            .mapToInt(bytes -> Integer.parseInt(bytes) / Float.BYTES)
            .toArray();
    rounds = Integer.parseInt(options.getOrDefault("rounds", "1000"));
    batches = Integer.parseInt(options.getOrDefault("batches", "6"));
  }

  /** Runs one rank, or all of them with {@code local=N}. */
  public static void main(String[] args) throws IOException, InterruptedException {
    run(List.of(args), System.out);
  }

  /**
   * Runs one rank, or all of them with {@code local=N}; rank 0 prints what it measured.
   *
   * @throws IllegalArgumentException if an option is not understood
   */
  public static void run(List<String> args, PrintStream out)
      throws IOException, InterruptedException {
    Map<String, String> options = new LinkedHashMap<>();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("option " + arg + ": write it as name=value");
      }
      options.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    List<Process> others = new ArrayList<>();
    String local = options.remove("local");
    if (local != null) {
      others = startLocal(Integer.parseInt(local), options);
    }
    String listed = options.get("peers");
    if (listed == null) {
      throw new IllegalArgumentException("name the ranks: peers=host:port,... or local=N");
    }
    try {
      new TransportBench(options, parsePeers(listed), out).measure();
      for (Process other : others) {
        other.waitFor();
      }
    } finally {
      others.forEach(Process::destroy);
    }
  }

  /** Starts all ranks but 0 as processes with the flags of this one. */
  private static List<Process> startLocal(int worldSize, Map<String, String> options)
      throws IOException {
    List<String> addresses = new ArrayList<>();
    int port = Integer.parseInt(options.getOrDefault("port", DEFAULT_PORT));
    for (int i = 0; i < worldSize; i++) {
      addresses.add("127.0.0.1:" + (port + i * CONTENDERS_MAX));
    }
    options.put("peers", String.join(",", addresses));
    List<Process> processes = new ArrayList<>();
    for (int i = 1; i < worldSize; i++) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.addAll(
          List.of("-cp", System.getProperty("java.class.path"), TransportBench.class.getName()));
      options.forEach((name, value) -> command.add(name + "=" + value));
      command.add("rank=" + i);
      processes.add(new ProcessBuilder(command).inheritIO().start());
    }
    return processes;
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
              Integer.parseInt(endpoint.substring(colon + 1))));
    }
    return peers;
  }

  private void measure() {
    try {
      open();
      for (int batch = 0; batch < batches; batch++) {
        boolean counts = batch > 0;
        for (int length : lengths) {
          for (Map.Entry<String, Contender> entry : contenders.entrySet()) {
            runBatch(entry.getKey(), entry.getValue(), length, counts);
          }
        }
        if (batch == 0) {
          contenders.values().forEach(Contender::warmedUp);
        }
      }
      print();
    } finally {
      contenders.values().forEach(Contender::close);
    }
  }

  private void open() {
    int maxFloats = Arrays.stream(lengths).max().orElseThrow();
    int port = 0;
    for (String name : options.getOrDefault("contenders", ALL).split(",", -1)) {
      int shift = port++;
      List<PeerAddress> shifted =
          peers.stream().map(p -> new PeerAddress(p.rank(), p.host(), p.port() + shift)).toList();
      SessionConfig config = SessionConfig.of(EPOCH, rank, shifted, maxFloats);
      if (options.containsKey("mtu")) {
        config = config.withMtuLength(Integer.parseInt(options.get("mtu")));
      }
      if (name.endsWith(SEALED)) {
        config = config.withKey(new byte[16]);
      }
      Contender contender =
          switch (name.replace(SEALED, "")) {
            case "udp" -> new UdpEcho(rank, shifted, config.mtuLength() - IP_UDP_HEADERS_BYTES);
            case "tcp" -> new TcpStar(rank, shifted);
            case "star" -> new SessionContender(config.withCollective(Collective.STAR));
            case "direct" -> new SessionContender(config.withCollective(Collective.DIRECT));
            case "two-shot" -> new SessionContender(config.withCollective(Collective.TWO_SHOT));
            case "auto" -> new SessionContender(config.withCollective(Collective.AUTO));
            default -> throw new IllegalArgumentException("contender " + name + ": one of " + ALL);
          };
      contenders.put(name, contender);
    }
  }

  private void runBatch(String name, Contender contender, int length, boolean counts) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    String key = "%9d %-15s".formatted(length * Float.BYTES, name);
    Histogram histogram = tookNs.computeIfAbsent(key, k -> new Histogram(3));
    float[] values = new float[length];
    contender.begin(length);
    long cpuBeforeNs = threads.getCurrentThreadCpuTime();
    for (int pair = 0; pair < rounds / 2; pair++) {
      long startNs = System.nanoTime();
      contender.round(values, length);
      contender.round(values, length);
      if (counts) {
        histogram.recordValue((System.nanoTime() - startNs) / 2);
      }
    }
    if (counts) {
      cpuNs.merge(key, threads.getCurrentThreadCpuTime() - cpuBeforeNs, Long::sum);
    }
  }

  private void print() {
    if (rank != 0) {
      return;
    }
    out.println("ranks=%d rounds=%d".formatted(peers.size(), rounds * (batches - 1)));
    for (Contender contender : contenders.values()) {
      if (contender instanceof SessionContender ours) {
        out.print(ours.describe(lengths));
      }
    }
    out.println("    bytes contender         p50_us    p99_us  p99.9_us  cpu_us");
    tookNs.forEach(
        (key, histogram) ->
            out.println(
                "%s %8.1f %9.1f %9.1f %7.1f"
                    .formatted(
                        key,
                        histogram.getValueAtPercentile(50) / 1e3,
                        histogram.getValueAtPercentile(99) / 1e3,
                        histogram.getValueAtPercentile(99.9) / 1e3,
                        cpuNs.getOrDefault(key, 0L) / 1e3 / (2 * histogram.getTotalCount()))));
  }
}
