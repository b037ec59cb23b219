package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.enrolment.ClusterBooks;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.coordinator.http.EndpointSettings;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.cluster.Answer;
import org.kithlm.deploy.cluster.ClusterWatch;
import org.kithlm.deploy.cluster.Lifetime;
import org.kithlm.deploy.cluster.NodeProcesses;
import org.kithlm.deploy.cluster.RunLogs;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.deploy.cluster.ServerOptions;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.RankStatistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith local MODEL}: a whole cluster on this machine. */
@Command(
    name = "local",
    description = {
      "Run a model over several processes of this machine.",
      "With --prompt it answers once and ends, else it serves chat clients until it is stopped."
    })
public final class LocalCommand implements Callable<Integer> {
  private static final String LOOPBACK = "127.0.0.1";
  private static final int MAX_NODES = 64;
  private static final long READY_SECONDS = 300;
  private static final Duration TOKEN_TTL = Duration.ofMinutes(10);

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ServeOptions serve = new ServeOptions();

  @Mixin private final GenerationOptions generation = new GenerationOptions();

  @Option(
      names = {"-n", "--nodes"},
      paramLabel = "N",
      defaultValue = "2",
      description = "Processes, this one included (default: 2).")
  private int nodes;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "Answer this and end.")
  private @Nullable String prompt;

  /** The plan, for programs. */
  private record PlanReport(
      long epoch, int worldSize, String collective, String head, @Nullable CollectiveReport sums) {}

  /** What one rank used, for programs. */
  private record NodeReport(
      int rank,
      long pid,
      long rssPeakBytes,
      long weightsResidentBytes,
      long weightsStreamedBytes,
      double computeMs,
      double collectiveMs,
      double diskWaitMs) {
    static NodeReport of(int rank, RankStatistics used) {
      return new NodeReport(
          rank,
          used.pid(),
          used.rssPeakBytes(),
          used.weightsResidentBytes(),
          used.weightsStreamedBytes(),
          used.computeMs(),
          used.collectiveMs(),
          used.diskWaitMs());
    }
  }

  /** The answer to a prompt, for programs. */
  private record Report(
      String text,
      List<Integer> promptTokens,
      List<Integer> tokens,
      double ttftMs,
      double tokensPerSecond,
      String finishReason,
      PlanReport plan,
      List<NodeReport> nodes) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1 || nodes > MAX_NODES) {
      throw new KithException(
          ExitCode.USAGE, "-n " + nodes + " is out of range: 1 to " + MAX_NODES + " processes");
    }
    serve.kernels().choose(kith.home());
    // Keys and certificates take a while to make, so that is done while the model is looked up.
    CompletableFuture<ClusterBooks> books = CompletableFuture.supplyAsync(ClusterBooks::inMemory);
    ServedModel served = ServedModel.of(serve.model(), kith, spec, common.json());
    EndpointSettings settings = prompt == null ? serve.endpoint() : null;
    Server.FittedContext context =
        Server.fit(
            serve.server(
                served, LOOPBACK, 0, 0, books.join(), nodes, nodes, null, kith.home(), settings),
            nodes);
    ServerOptions options = context.options();
    Path logs = RunLogs.create(kith.home().subfolder("logs"));
    // The nodes leave on the server's word; their processes are ended after it.
    try (NodeProcesses processes = new NodeProcesses();
        ServerSession session = ServerSession.start(options, kith.home())) {
      Lifetime.closeAtExit(session, processes);
      processes.start(
          nodes - 1,
          session.server().createToken(TOKEN_TTL, true).text(),
          options.threads(),
          serve.kernels().text(),
          options.memoryBytes(),
          serve.kvStore().bytes(),
          logs);
      ClusterWatch watch = session.watch();
      ClusterView ready =
          watch.awaitReady(
              READY_SECONDS,
              () -> {
                String error = watch.anyError();
                String end = error == null ? processes.firstEnd() : null;
                return error != null ? error + "; the logs are in " + logs : end;
              });
      if (prompt == null) {
        spec.commandLine().getErr().println(context.describe());
        session.printReady(spec.commandLine().getOut(), common.json());
        return Lifetime.awaitSignal();
      }
      return answer(session.server(), ready, options, prompt);
    }
  }

  private int answer(Server server, ClusterView ready, ServerOptions options, String text)
      throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    GenerationRequest request = generation.request(text, server.chat());
    Map<Integer, RankStatistics> before = server.statistics(); // warming up
    Answer answer;
    try {
      answer =
          Answer.of(
              server.chat(),
              request,
              part -> {
                if (!common.json()) {
                  out.print(part);
                  out.flush();
                }
              });
    } catch (GenerationRefusedException e) {
      throw new KithException(
          e.reason() == GenerationRefusedException.Reason.CONTEXT_LENGTH_EXCEEDED
              ? ExitCode.DOES_NOT_FIT
              : ExitCode.OTHER,
          String.valueOf(e.getMessage()),
          e);
    }
    List<NodeReport> used =
        server.statistics().entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(
                rank -> {
                  RankStatistics earlier = before.get(rank.getKey());
                  RankStatistics now = rank.getValue();
                  return NodeReport.of(rank.getKey(), earlier == null ? now : now.since(earlier));
                })
            .toList();
    if (common.json()) {
      out.println(
          Json.MAPPER.writeValueAsString(
              new Report(
                  answer.text(),
                  Arrays.stream(request.prompt()).boxed().toList(),
                  answer.tokens(),
                  answer.usage().ttftMs(),
                  answer.usage().tokensPerSecond(),
                  answer.reason().name().toLowerCase(Locale.ROOT),
                  new PlanReport(
                      ready.epoch(), nodes, options.collective().toString(), "root", ready.sums()),
                  used)));
    } else {
      print(out, answer, used);
    }
    return ExitCode.OK.code();
  }

  private static void print(PrintWriter out, Answer answer, List<NodeReport> used) {
    out.println();
    out.println();
    out.printf(
        "first token after %.0f ms, then %.1f tokens/s, %d tokens%n",
        answer.usage().ttftMs(),
        answer.usage().tokensPerSecond(),
        answer.usage().completionTokens());
    for (NodeReport node : used) {
      out.printf(
          "rank %d (pid %d): peak RSS %s, weights %s and %s streamed, compute %.0f ms,"
              + " collective %.0f ms, disk wait %.0f ms%n",
          node.rank(),
          node.pid(),
          ByteSize.format(node.rssPeakBytes()),
          ByteSize.format(node.weightsResidentBytes()),
          ByteSize.format(node.weightsStreamedBytes()),
          node.computeMs(),
          node.collectiveMs(),
          node.diskWaitMs());
    }
  }
}
