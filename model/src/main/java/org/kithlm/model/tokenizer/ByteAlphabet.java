package org.kithlm.model.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The printable stand-ins in which byte-level BPE vocabularies spell bytes (GPT-2): visible Latin-1
 * characters stand for themselves, the other 68 bytes for U+0100 onwards in byte order.
 */
final class ByteAlphabet {
  private static final int CHARACTERS = 256 + 68;
  private static final short[] BYTE_OF = new short[CHARACTERS];

  static {
    Arrays.fill(BYTE_OF, (short) -1);
    int standIn = 256;
    for (int value = 0; value < 256; value++) {
      boolean visible =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      BYTE_OF[visible ? value : standIn++] = (short) value;
    }
  }

  private ByteAlphabet() {}

  /** The bytes that a token spells, or null where a character stands for no byte. */
  static byte @Nullable [] bytes(String spelling) {
    byte[] bytes = new byte[spelling.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = spelling.charAt(i);
      if (c >= CHARACTERS || BYTE_OF[c] < 0) {
        return null;
      }
      bytes[i] = (byte) BYTE_OF[c];
    }
    return bytes;
  }
}
