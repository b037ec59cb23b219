package org.kithlm.coordinator.enrolment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.ConnectionContext;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RemoteAddress;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.server.Directives;
import org.apache.pekko.http.javadsl.server.Route;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.ClusterTls;
import org.kithlm.node.security.EnrolmentRequest;
import org.kithlm.node.security.RefusedException;
import org.kithlm.node.shard.RunsRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTPS endpoint for nodes: gives out certificates, and runs of the pack file. Only the first
 * certificate is got without showing one. Every refusal is logged.
 */
public final class NodeEndpoint {
  private static final Logger LOG = LoggerFactory.getLogger(NodeEndpoint.class);
  private static final JsonMapper MAPPER =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();
  private static final Duration BODY_TIMEOUT = Duration.ofSeconds(5);

  private final ActorSystem<?> system;
  private final ClusterTls tls;
  private final Enrolment enrolment;
  private final ExecutorService files =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("kith-enrolment").daemon().factory());

  /** Decides on a request. */
  @FunctionalInterface
  private interface Decision {
    X509Certificate on(EnrolmentRequest request) throws IOException, RefusedException;
  }

  /** The endpoint while it listens. */
  public static final class Running {
    private final ServerBinding binding;
    private final ExecutorService files;

    private Running(ServerBinding binding, ExecutorService files) {
      this.binding = binding;
      this.files = files;
    }

    /** TCP port that it listens at. */
    public int port() {
      return binding.localAddress().getPort();
    }

    /** Stops serving; transfers under way are cut after the grace period. */
    public CompletionStage<?> stop(Duration grace) {
      return binding.terminate(grace).whenComplete((terminated, failure) -> files.shutdownNow());
    }
  }

  private NodeEndpoint(ActorSystem<?> system, ClusterTls tls, ClusterBooks books) {
    this.system = system;
    this.tls = tls;
    this.enrolment = new Enrolment(books);
  }

  /**
   * Starts to serve.
   *
   * @param system whose address is told to nodes as the control plane
   * @param host address to bind and to be reached at
   * @param port TCP port, 0 for any free one
   * @param pack the file that nodes may read
   */
  public static CompletionStage<Running> start(
      ActorSystem<?> system, ClusterTls tls, ClusterBooks books, String host, int port, Path pack) {
    NodeEndpoint endpoint = new NodeEndpoint(system, tls, books);
    ServerSettings settings =
        ServerSettings.create(
            ConfigFactory.parseResources(
                    NodeEndpoint.class.getClassLoader(), "kith-node-endpoint.conf")
                .withFallback(system.settings().config()));
    return Http.get(system)
        .newServerAt(host, port)
        .withSettings(settings)
        .enableHttps(ConnectionContext.httpsServer(tls::openServerEngine))
        .bind(endpoint.route(new FileRuns(pack)))
        .thenApply(binding -> new Running(binding, endpoint.files));
  }

  private Route route(FileRuns pack) {
    return Directives.concat(
        Directives.path(
            EnrolmentRequest.ENROL_PATH, () -> Directives.post(() -> answering(this::enrol))),
        Directives.path(
            EnrolmentRequest.RENEW_PATH, () -> Directives.post(() -> answering(this::renew))),
        Directives.path(
            EnrolmentRequest.PACK_PATH,
            () -> Directives.post(() -> answering(request -> runs(request, pack)))),
        Directives.extractRequest(
            request ->
                Directives.complete(
                    refuse(request, StatusCodes.NOT_FOUND, "there is nothing at this path"))));
  }

  private static Route answering(Function<HttpRequest, CompletionStage<HttpResponse>> handler) {
    return Directives.extractRequest(
        request -> Directives.completeWithFuture(handler.apply(request)));
  }

  private CompletionStage<HttpResponse> runs(HttpRequest request, FileRuns pack) {
    try {
      tls.requireMember(certificate(request));
    } catch (SSLPeerUnverifiedException e) {
      return CompletableFuture.completedStage(
          refuse(request, StatusCodes.FORBIDDEN, String.valueOf(e.getMessage())));
    }
    return body(request)
        .thenApply(
            body -> {
              try {
                return HttpResponse.create()
                    .withEntity(pack.read(RunsRequest.read(body.getData().toArrayUnsafe())));
              } catch (IllegalArgumentException e) {
                return refuse(request, StatusCodes.BAD_REQUEST, String.valueOf(e.getMessage()));
              }
            })
        .exceptionally(failure -> failed(request, failure));
  }

  private CompletionStage<HttpEntity.Strict> body(HttpRequest request) {
    return request.entity().toStrict(BODY_TIMEOUT.toMillis(), EnrolmentRequest.MAX_BYTES, system);
  }

  private CompletionStage<HttpResponse> enrol(HttpRequest request) {
    return certify(request, enrolment::enrol);
  }

  private CompletionStage<HttpResponse> renew(HttpRequest request) {
    Optional<String> id;
    try {
      id = Certificates.nodeId(certificate(request));
    } catch (SSLPeerUnverifiedException e) {
      return CompletableFuture.completedStage(
          refuse(request, StatusCodes.FORBIDDEN, String.valueOf(e.getMessage())));
    }
    return certify(request, body -> enrolment.renew(id.orElse(""), body));
  }

  private CompletionStage<HttpResponse> certify(HttpRequest request, Decision decision) {
    return body(request)
        .thenApplyAsync(
            body -> {
              try {
                return certificate(
                    decision.on(
                        MAPPER.readValue(body.getData().toArrayUnsafe(), EnrolmentRequest.class)));
              } catch (RefusedException e) {
                return refuse(request, StatusCodes.FORBIDDEN, String.valueOf(e.getMessage()));
              } catch (JsonProcessingException | IllegalArgumentException e) {
                return refuse(request, StatusCodes.BAD_REQUEST, "the request is not as expected");
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            files)
        .exceptionally(failure -> failed(request, failure));
  }

  private HttpResponse failed(HttpRequest request, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof UncheckedIOException) {
      LOG.error("cannot keep the books of the cluster", cause);
      return refuse(
          request,
          StatusCodes.INTERNAL_SERVER_ERROR,
          "the coordinator cannot read or write its files; see its log");
    }
    return refuse(
        request,
        StatusCodes.BAD_REQUEST,
        "the request did not come whole, in "
            + EnrolmentRequest.MAX_BYTES
            + " bytes and "
            + BODY_TIMEOUT.toSeconds()
            + " s");
  }

  private HttpResponse certificate(X509Certificate certificate) throws IOException {
    Address control = system.address();
    try {
      return response(
          StatusCodes.OK,
          new EnrolmentRequest.Answer(
              Base64.getEncoder().encodeToString(certificate.getEncoded()),
              control.getHost().orElseThrow(),
              control.getPort().orElseThrow()));
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was signed can be written", e);
    }
  }

  private HttpResponse refuse(HttpRequest request, StatusCode status, String reason) {
    LOG.warn(
        "refused a request of {}: {}",
        request
            .getAttribute(AttributeKeys.remoteAddress)
            .flatMap(RemoteAddress::getAddress)
            .map(address -> address.getHostAddress())
            .orElse("an unknown address"),
        reason);
    request.entity().withSizeLimit(EnrolmentRequest.MAX_BYTES).discardBytes(system);
    return response(status, new EnrolmentRequest.Refusal(reason));
  }

  private static HttpResponse response(StatusCode status, Object body) {
    try {
      return HttpResponse.create()
          .withStatus(status)
          .withEntity(
              HttpEntities.create(ContentTypes.APPLICATION_JSON, MAPPER.writeValueAsBytes(body)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record can be written", e);
    }
  }

  /** What the client showed in its handshake. */
  private static X509Certificate certificate(HttpRequest request)
      throws SSLPeerUnverifiedException {
    SSLSession session =
        request
            .getAttribute(AttributeKeys.sslSession)
            .orElseThrow(() -> new SSLPeerUnverifiedException("no TLS session"))
            .getSession();
    try {
      return (X509Certificate) session.getPeerCertificates()[0];
    } catch (SSLPeerUnverifiedException e) {
      throw new SSLPeerUnverifiedException("it showed no certificate of this cluster");
    }
  }
}
