package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;
import org.kithlm.transport.bench.BenchPair;
import org.kithlm.transport.bench.BenchResult;
import org.kithlm.transport.bench.BenchSettings;
import org.kithlm.transport.bench.TransportBench;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kith bench transport}: what a sum over ranks takes, in each form. */
@Command(
    name = "transport",
    description = {
      "Measure how long a sum over ranks takes in each form, beside what a network can do at best:",
      "udp is an echo of plain datagrams between two ranks, tcp a star over blocking sockets, with",
      "two ranks an echo, ring a ring over them. All take turns; the first batch warms up and does",
      "not count.",
      "Without --listen and --connect all ranks are processes of this machine."
    })
public final class BenchTransportCommand implements Callable<Integer> {
  private static final int RANKS_MAX = 16;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @ArgGroup private final Place place = new Place();

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "" + TransportBench.DEFAULT_PORT,
      description = "The first of the ports used, TCP and UDP (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--bytes",
      paramLabel = "BYTES",
      split = ",",
      defaultValue = "2304,6144,32768",
      description = "Payloads (default: ${DEFAULT-VALUE}).")
  private List<Integer> payloadBytes = List.of();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Rounds in each batch (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--batches",
      paramLabel = "N",
      defaultValue = "6",
      description = "Batches, the first uncounted (default: ${DEFAULT-VALUE}).")
  private int batches;

  @Option(
      names = "--mtu",
      paramLabel = "BYTES",
      defaultValue = "0",
      description =
          "Largest UDP payload (default: what a cluster sends, 1408 and then up to 7392 on good"
              + " links, on loopback 32768).")
  private int mtuLength;

  @Option(
      names = "--contenders",
      paramLabel = "NAME",
      split = ",",
      defaultValue = "udp,tcp,ring,star,direct,two-shot,auto,star-sealed",
      description = {
        "Some of udp, tcp, ring, star, direct, two-shot, auto, shared-memory (on one machine);",
        "from star on also with -sealed behind the name (default: ${DEFAULT-VALUE})."
      })
  private List<String> contenders = List.of();

  /** Where the ranks are. */
  private static final class Place {
    @Option(
        names = {"-n", "--nodes"},
        paramLabel = "N",
        defaultValue = "2",
        description = "Ranks on this machine (default: 2).")
    private int ranks = 2;

    @Option(
        names = "--listen",
        paramLabel = "ADDRESS",
        description = "Wait at this address of this machine for another one that connects.")
    private @Nullable String listen;

    @Option(
        names = "--connect",
        paramLabel = "HOST",
        description = "Measure with the machine that listens there; prints the result.")
    private @Nullable String connect;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    try {
      if (place.listen != null) {
        listen(place.listen);
      } else {
        print(measure());
      }
      return ExitCode.OK.code();
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  private void listen(String address) {
    PrintWriter err = spec.commandLine().getErr();
    err.printf("on the other machine run:%n  kith bench transport --connect %s", address);
    err.println(port == TransportBench.DEFAULT_PORT ? "" : " --port " + port);
    try {
      BenchPair.listen(address, port);
    } catch (IOException e) {
      throw new KithException(
          ExitCode.UNREACHABLE, "cannot listen at " + at(address) + ": " + e.getMessage(), e);
    }
  }

  private String at(String host) {
    return host + ":" + port;
  }

  private BenchResult measure() throws IOException, InterruptedException {
    BenchSettings settings =
        new BenchSettings(payloadBytes, rounds, batches, mtuLength, contenders);
    if (place.connect != null) {
      return connect(place.connect, settings);
    }
    if (place.ranks < 2 || place.ranks > RANKS_MAX) {
      throw new KithException(
          ExitCode.USAGE, "-n " + place.ranks + " is out of range: 2 to " + RANKS_MAX + " ranks");
    }
    return TransportBench.local(settings, place.ranks, port);
  }

  private BenchResult connect(String host, BenchSettings settings) {
    try {
      return BenchPair.connect(host, port, settings);
    } catch (IOException e) {
      throw new KithException(
          ExitCode.UNREACHABLE,
          "no kith bench answers at "
              + at(host)
              + " ("
              + e.getMessage()
              + "); there run kith bench transport --listen ADDRESS first",
          e);
    }
  }

  private void print(BenchResult result) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(result));
    } else {
      result.print(out);
    }
  }
}
