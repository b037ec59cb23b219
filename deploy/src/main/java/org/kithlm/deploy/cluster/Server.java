package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.EngineChatService;
import org.kithlm.coordinator.generation.GenerationEngine;
import org.kithlm.coordinator.generation.ModelCard;
import org.kithlm.coordinator.http.HttpEndpoint;
import org.kithlm.coordinator.membership.AttentionChoice;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.membership.CoordinatorActor;
import org.kithlm.coordinator.membership.CoordinatorSettings;
import org.kithlm.coordinator.membership.Workload;
import org.kithlm.coordinator.status.ClusterFeed;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.model.chat.ChatTemplate;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeActor;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.rank.DoesNotFitException;
import org.kithlm.node.rank.PackDemand;
import org.kithlm.node.rank.RankWeights;
import org.kithlm.node.rank.RootKvStore;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.shard.PackRootLoader;

/** The process that leads a cluster: coordinator, rank 0 and endpoint. */
public final class Server implements AutoCloseable {
  /** Bound on the tokens in one step of the prefill, where weights are read from disk for each. */
  public static final int MAX_TOKENS = 512;

  private static final Duration STOP_GRACE = Duration.ofMillis(300);
  private static final long WAIT_SECONDS = 10;

  private final NodeAccess nodes;
  private final GenerationEngine engine;
  private final ChatService chat;
  private final ActorRef<CoordinatorMessage> coordinator;
  private final ClusterFeed feed;
  private final @Nullable HttpEndpoint endpoint;
  private final @Nullable RootKvStore kept;
  private boolean closed; // guarded by this

  private Server(
      NodeAccess nodes,
      GenerationEngine engine,
      ChatService chat,
      ActorRef<CoordinatorMessage> coordinator,
      ClusterFeed feed,
      @Nullable HttpEndpoint endpoint,
      @Nullable RootKvStore kept) {
    this.nodes = nodes;
    this.engine = engine;
    this.chat = chat;
    this.coordinator = coordinator;
    this.feed = feed;
    this.endpoint = endpoint;
    this.kept = kept;
  }

  /**
   * Starts a server; nodes may join from now on.
   *
   * @param observer told each new state of the cluster; must not block
   * @throws KithException if the pack is damaged or a port is taken
   */
  public static Server start(ServerOptions options, Consumer<ClusterView> observer)
      throws IOException {
    try (Pack pack = Pack.open(options.pack())) {
      GgufMetadata metadata = pack.metadata();
      Tokenizer tokenizer = Tokenizer.from(metadata);
      ChatTemplate template = ChatTemplate.from(metadata);
      ModelCard card = ModelCard.of(metadata, Files.size(options.pack()), pack.id());
      NodeAccess nodes = NodeAccess.open(options);
      RootKvStore kept = null;
      try {
        kept = options.kvStore() == null ? null : RootKvStore.open(options.kvStore());
        return start(options, observer, pack, card, tokenizer, template, nodes, kept);
      } catch (IOException | RuntimeException e) {
        nodes.system().terminate();
        if (kept != null) {
          kept.close(); // else the next start has to mend it
        }
        throw e;
      }
    }
  }

  /**
   * Settles the context, and checks that ranks find enough memory, if each has as much as this
   * process. A context that was not asked for is the model's own, or the longest that fits.
   *
   * @param ranks the first so many of all that are expected
   * @throws KithException if a rank does not fit; the message has the smallest budget that works
   */
  public static FittedContext fit(ServerOptions options, int ranks) throws IOException {
    try (Pack pack = Pack.open(options.pack())) {
      int longest = pack.config().contextLength();
      if (options.contextLength() > longest) {
        throw new KithException(
            ExitCode.USAGE,
            "--context " + options.contextLength() + " is longer than the model's " + longest);
      }
      int fits = longest;
      for (int rank = 0; rank < ranks; rank++) {
        RankAssignment assignment = assignment(options, pack, rank, longest);
        fits =
            Math.min(fits, RankWeights.longestContext(pack, assignment, options.rankMemoryBytes()));
      }
      int wanted = options.contextLength() > 0 ? options.contextLength() : Math.max(fits, 1);
      for (int rank = 0; rank < ranks; rank++) {
        RankWeights.requireFit(
            pack, assignment(options, pack, rank, wanted), options.rankMemoryBytes());
      }
      return new FittedContext(options.withContextLength(wanted), fits, longest);
    } catch (DoesNotFitException e) {
      String message = String.valueOf(e.getMessage());
      throw new KithException(
          ExitCode.DOES_NOT_FIT,
          options.kvStore() == null ? message : KvStorePlace.alsoTakes(message),
          e);
    }
  }

  /**
   * Options with a context that fits.
   *
   * @param options with the length of the context
   * @param fits the longest that does, at most the model's
   * @param longest the model's own
   */
  public record FittedContext(ServerOptions options, int fits, int longest) {
    /** For the user. */
    public String describe() {
      return "context: %d tokens; up to %d fit in memory, the model has %d"
          .formatted(options.contextLength(), fits, longest);
    }
  }

  private static RankAssignment assignment(
      ServerOptions options, Pack pack, int rank, int contextLength) {
    return new RankAssignment(
        0,
        rank,
        Collections.nCopies(options.expectedNodes() + 1, 1.0),
        options.attention() == AttentionChoice.REPLICATED
            ? AttentionPlacement.REPLICATED
            : AttentionPlacement.SPLIT,
        options.head(),
        pack.id(),
        contextLength,
        options.kvType(),
        MAX_TOKENS,
        options.collective(),
        options.precision(),
        EpochKey.create());
  }

  private static Server start(
      ServerOptions options,
      Consumer<ClusterView> observer,
      Pack pack,
      ModelCard card,
      Tokenizer tokenizer,
      ChatTemplate template,
      NodeAccess nodes,
      @Nullable RootKvStore kept) {
    GenerationEngine engine = new GenerationEngine(tokenizer, options.contextLength());
    ChatService chat =
        new EngineChatService(
            new ChatService.Model(
                options.model(),
                options.createdEpochSeconds(),
                options.contextLength(),
                tokenizer.vocabularySize()),
            card,
            tokenizer,
            template,
            engine);
    ClusterFeed feed = new ClusterFeed(observer, engine::status, Clock.systemUTC());
    HttpEndpoint endpoint =
        options.endpoint() == null
            ? null
            : await(HttpEndpoint.start(nodes.system(), chat, feed, options.endpoint()));
    PackDemand demand = new PackDemand(pack);
    CoordinatorSettings settings =
        new CoordinatorSettings(
            hostName(),
            options.host(),
            options.expectedNodes(),
            pack.id(),
            nodes.origin(pack),
            options.contextLength(),
            options.kvType(),
            MAX_TOKENS,
            options.collective(),
            options.precision(),
            options.attention(),
            ProcessMemory.here(options.rankMemoryBytes()),
            demand::shortage,
            new Workload(
                demand.weightType().name(),
                pack.config().layerCount(),
                demand.attentionBytes(),
                demand.ffnBytes(),
                demand.headBytes(),
                options.head(),
                demand.kvBytes(options.contextLength(), options.kvType()),
                PackDemand.PROCESS_BYTES),
            options.replication(),
            options.eager(),
            options.calibrator());
    ActorRef<CoordinatorMessage> coordinator =
        nodes
            .system()
            .systemActorOf(
                CoordinatorActor.create(
                    settings,
                    new PackRootLoader(
                        options.pack(),
                        options.host(),
                        options.threads(),
                        options.headThreads(),
                        options.rankMemoryBytes(),
                        kept),
                    engine,
                    feed,
                    nodes::identityAt),
                NodeActor.COORDINATOR,
                Props.empty());
    feed.connect(coordinator::tell);
    nodes.watchExclusions(coordinator::tell);
    nodes.watchProcesses(coordinator::tell);
    return new Server(nodes, engine, chat, coordinator, feed, endpoint, kept);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      return "coordinator";
    }
  }

  /** What clients are served. */
  public ChatService chat() {
    return chat;
  }

  /** TCP port that nodes get certificates and weights at. */
  public int joinPort() {
    return nodes.joinPort();
  }

  /**
   * Makes a join token.
   *
   * @param reusable whether it admits more than one device
   */
  public JoinToken createToken(Duration ttl, boolean reusable) throws IOException {
    return nodes.createToken(ttl, reusable);
  }

  /** Where the endpoint listens, or null. */
  public @Nullable InetSocketAddress endpointAddress() {
    return endpoint == null ? null : endpoint.address();
  }

  /**
   * What each rank has used in this epoch; ranks that do not answer within seconds are left out.
   */
  public Map<Integer, RankStatistics> statistics() {
    return await(feed.statistics());
  }

  /**
   * Ends the server in order: the endpoint takes no more requests, the running generation ends, the
   * nodes are told and leave, then the rest. Waits for all of it, at most ten seconds. Idempotent;
   * a second caller waits too.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    CompletableFuture<Void> left = new CompletableFuture<>();
    CompletionStage<?> endpointStopped =
        endpoint == null ? CompletableFuture.completedStage(null) : endpoint.stop(STOP_GRACE);
    coordinator.tell(new CoordinatorActor.Stop("the coordinator shut down", left));
    engine.close();
    CompletableFuture<?> ended =
        CompletableFuture.allOf(left, endpointStopped.toCompletableFuture())
            .thenCompose(done -> nodes.stopEndpoint(STOP_GRACE))
            .handle((done, failure) -> nodes.system())
            .thenCompose(
                running -> {
                  running.terminate();
                  return running.getWhenTerminated();
                });
    try {
      ended.get(WAIT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // The process ends anyway; its sockets go with it.
    }
    if (kept != null) {
      kept.close();
    }
  }

  static <T> T await(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().get(WAIT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KithException(ExitCode.OTHER, "interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new KithException(ExitCode.OTHER, Causes.message(e), e);
    }
  }
}
