package org.kithlm.deploy.cluster;

import java.util.regex.Pattern;

/** Takes out of a text what only its owner should know: join tokens, API keys, conversations. */
public final class Redaction {
  private static final String INSTEAD = "[redacted]";

  /** ADDRESS:PORT/FINGERPRINT/SECRET, of which the address stays. */
  private static final Pattern JOIN_TOKEN =
      Pattern.compile("(:\\d{1,5}/)[0-9a-f]{64}/[0-9a-f]{32}");

  private static final Pattern KEY =
      Pattern.compile("(?i)(bearer |kith_api_key=|kith_token=|hf_token=|--api-key[ =])\\S+");

  private static final Pattern CONVERSATION =
      Pattern.compile(
          "(?i)(\"(?:prompt|content|text|suffix|secret|key)\"\\s*:\\s*)\"(?:[^\"\\\\\n"
              + "]|\\\\.)*+\"?");

  private Redaction() {}

  /** The text without them. */
  public static String of(String text) {
    String withoutTokens = JOIN_TOKEN.matcher(text).replaceAll("$1" + INSTEAD);
    String withoutKeys = KEY.matcher(withoutTokens).replaceAll("$1" + INSTEAD);
    return CONVERSATION.matcher(withoutKeys).replaceAll("$1\"" + INSTEAD + "\"");
  }
}
