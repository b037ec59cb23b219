package org.kithlm.coordinator.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;

/**
 * The web page, from the class path. Its files hold nothing secret, so they need no API key: a
 * browser cannot send one for them. Thread-safe.
 */
final class PageFiles {
  /** Where the page's files are, on the class path and in URLs. */
  static final String FOLDER = "page/";

  /** A name without folders, so nothing else on the class path can be had. */
  private static final Pattern NAME = Pattern.compile("[a-z][a-z-]*\\.(html|css|js|svg)");

  /**
   * Nothing but the endpoint's own files and answers, no inline script or style, no frame around
   * it; and the browser refuses to parse any text as markup, whatever a model writes.
   */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
          + " require-trusted-types-for 'script'; trusted-types 'none'";

  private static final List<HttpHeader> HEADERS =
      List.of(
          RawHeader.create("Content-Security-Policy", CONTENT_SECURITY_POLICY),
          RawHeader.create("X-Content-Type-Options", "nosniff"),
          RawHeader.create("Referrer-Policy", "no-referrer"),
          RawHeader.create("Cross-Origin-Opener-Policy", "same-origin"),
          RawHeader.create("Cross-Origin-Resource-Policy", "same-origin"),
          // Kept, but asked for again each time: a new release is seen at once.
          RawHeader.create("Cache-Control", "no-cache"));

  private record StaticFile(byte[] bytes, ContentType type, String etag) {}

  private final Map<String, StaticFile> files = new ConcurrentHashMap<>(); // only those that exist

  /** What is at {@code /}: the page for a browser, and what Ollama's clients look for. */
  HttpResponse root(HttpRequest request) {
    boolean browser =
        request
            .getHeader("Accept")
            .map(header -> header.value().contains("text/html"))
            .orElse(false);
    HttpResponse response =
        browser
            ? file(request, "index.html")
            : HttpResponse.create()
                .withEntity(HttpEntities.create(ContentTypes.TEXT_PLAIN_UTF8, "Ollama is running"));
    return response.addHeader(RawHeader.create("Vary", "Accept"));
  }

  /** A file of the page, or 304 if the browser has it already. */
  HttpResponse file(HttpRequest request, String name) {
    StaticFile file = find(name);
    if (file == null) {
      throw ApiException.of(
          StatusCodes.NOT_FOUND, "there is nothing at /" + FOLDER + name, "not_found");
    }
    HttpResponse response =
        HttpResponse.create().addHeaders(HEADERS).addHeader(RawHeader.create("ETag", file.etag()));
    boolean known =
        request
            .getHeader("If-None-Match")
            .map(header -> header.value().contains(file.etag()))
            .orElse(false);
    return known
        ? response.withStatus(StatusCodes.NOT_MODIFIED)
        : response.withEntity(HttpEntities.create(file.type(), file.bytes()));
  }

  private @Nullable StaticFile find(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      return null;
    }
    StaticFile known = files.get(name);
    return known != null ? known : read(name, matcher.group(1));
  }

  private @Nullable StaticFile read(String name, String extension) {
    try (InputStream in = PageFiles.class.getResourceAsStream("/" + FOLDER + name)) {
      if (in == null) {
        return null;
      }
      byte[] bytes = in.readAllBytes();
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      String etag = '"' + HexFormat.of().formatHex(digest, 0, 12) + '"';
      StaticFile file = new StaticFile(bytes, type(extension), etag);
      files.put(name, file);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the page's " + name, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static ContentType type(String extension) {
    return switch (extension) {
      case "html" -> ContentTypes.TEXT_HTML_UTF8;
      case "css" -> MediaTypes.TEXT_CSS.toContentType(HttpCharsets.UTF_8);
      case "js" -> MediaTypes.APPLICATION_JAVASCRIPT.toContentType(HttpCharsets.UTF_8);
      case "svg" -> MediaTypes.IMAGE_SVG_XML.toContentType();
      default -> throw new AssertionError(extension); // the pattern of names lets nothing else in
    };
  }
}
