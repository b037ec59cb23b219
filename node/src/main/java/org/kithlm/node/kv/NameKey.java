package org.kithlm.node.kv;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.node.security.OwnerOnlyFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The root's secret under which it makes the names of pages: an HMAC over the tokens of a page and
 * the name of the page before. It stays on the root's disk, so that nobody who reads the disk of
 * another device can try texts and compare. Thread-safe.
 */
public final class NameKey {
  private static final Logger LOG = LoggerFactory.getLogger(NameKey.class);
  private static final String ALGORITHM = "HmacSHA256";
  private static final int KEY_BYTES = 32;

  private final SecretKeySpec key;

  private NameKey(byte[] bytes) {
    key = new SecretKeySpec(bytes, ALGORITHM);
  }

  /**
   * Reads the secret, or makes one where there is none; what was kept under another is not found
   * any more.
   *
   * @param file in an existing folder
   */
  public static NameKey open(Path file) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length == KEY_BYTES) {
        return new NameKey(bytes);
      }
      LOG.warn("{} has {} bytes, not {}; it is made anew", file, bytes.length, KEY_BYTES);
    } catch (NoSuchFileException e) {
      // the first time
    }
    byte[] fresh = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(fresh);
    OwnerOnlyFile.write(file, fresh);
    return new NameKey(fresh);
  }

  /**
   * Names of the first pages of a text.
   *
   * @param context what else keys and values depend on: the model, how they are kept
   * @param tokens begins with the text
   * @param count how many pages, all of them full
   */
  public List<PageName> names(String context, int[] tokens, int count) {
    Mac mac = mac();
    byte[] chain = mac.doFinal(context.getBytes(StandardCharsets.UTF_8));
    ByteBuffer ids = ByteBuffer.allocate(KvCache.PAGE_POSITIONS * Integer.BYTES);
    List<PageName> names = new ArrayList<>(count);
    for (int page = 0; page < count; page++) {
      ids.asIntBuffer().put(tokens, page * KvCache.PAGE_POSITIONS, KvCache.PAGE_POSITIONS);
      mac.update(chain);
      chain = mac.doFinal(ids.array());
      names.add(PageName.of(chain));
    }
    return names;
  }

  private Mac mac() {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e); // each JDK has it
    }
  }
}
