package org.kithlm.coordinator.enrolment;

import org.apache.pekko.event.LoggingAdapter;
import org.apache.pekko.http.ParsingErrorHandler;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.scaladsl.model.ErrorInfo;
import org.apache.pekko.http.scaladsl.model.StatusCode;
import org.apache.pekko.http.scaladsl.settings.ServerSettings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Refuses what is no HTTP, or has too long a head, before it reaches the routes. */
public final class UnparsedRequests extends ParsingErrorHandler {
  /** The one instance, under the name by which Pekko looks up a handler. */
  @SuppressWarnings("MemberName") // a Scala object's field, which Pekko reads by reflection
  public static final UnparsedRequests MODULE$ = new UnparsedRequests();

  private static final Logger LOG = LoggerFactory.getLogger(UnparsedRequests.class);

  private UnparsedRequests() {}

  /** The status Pekko chose; its summary does not repeat the input. */
  @Override
  public HttpResponse handle(
      StatusCode status, ErrorInfo info, LoggingAdapter log, ServerSettings settings) {
    LOG.warn("refused a request: {}", info.summary());
    return HttpResponse.create().withStatus(status);
  }
}
