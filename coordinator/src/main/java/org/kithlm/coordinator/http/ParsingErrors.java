package org.kithlm.coordinator.http;

import java.util.List;
import org.apache.pekko.event.LoggingAdapter;
import org.apache.pekko.http.ParsingErrorHandler;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.ErrorInfo;
import org.apache.pekko.http.scaladsl.model.StatusCode;
import org.apache.pekko.http.scaladsl.settings.ServerSettings;

/** Answers requests that are no HTTP, which never reach the router, with an error object too. */
public final class ParsingErrors extends ParsingErrorHandler {
  /** The one instance, under the name by which Pekko looks up a handler. */
  @SuppressWarnings("MemberName") // a Scala object's field, which Pekko reads by reflection
  public static final ParsingErrors MODULE$ = new ParsingErrors();

  private static final int UNPROCESSABLE = 422;
  private static final int NOT_IMPLEMENTED = 501;

  private ParsingErrors() {}

  /**
   * The status Pekko chose, and its summary without the offending input. A method that it does not
   * know, and TRACE with a body, get the answer of any other method that no path allows.
   */
  @Override
  public HttpResponse handle(
      StatusCode status, ErrorInfo info, LoggingAdapter log, ServerSettings settings) {
    String message = info.summary().isEmpty() ? status.reason() : info.summary();
    if (status.intValue() == NOT_IMPLEMENTED || status.intValue() == UNPROCESSABLE) {
      return response(
          StatusCodes.METHOD_NOT_ALLOWED,
          message,
          List.of(Connection.create("close"), RawHeader.create("Allow", "GET, HEAD, POST")));
    }
    return response(status, message, List.of(Connection.create("close")));
  }

  private static HttpResponse response(
      org.apache.pekko.http.javadsl.model.StatusCode status,
      String message,
      List<HttpHeader> headers) {
    return Json.response(status, ErrorResponses.body(status, message, null, null), headers);
  }
}
