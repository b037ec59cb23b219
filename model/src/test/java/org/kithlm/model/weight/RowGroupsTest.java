package org.kithlm.model.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.gguf.GgmlType;

class RowGroupsTest {
  private static final int GUARD = 7;

  /** Any bytes, any number of rows: each comes back bit for bit, and nothing else is written. */
  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldGiveBackEveryRow(GgmlType type) {
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      int rows = 1 + random.nextInt(RowGroups.ROWS);
      int rowBytes = type.blockBytes() * (1 + random.nextInt(4));
      int stride = rowBytes + random.nextInt(9);
      byte[] in = new byte[GUARD + rows * stride];
      random.nextBytes(in);
      byte[] out = new byte[GUARD + RowGroups.ROWS * rowBytes + GUARD];
      Arrays.fill(out, (byte) 0x55);
      RowGroups.of(type).interleave(in, GUARD, stride, rows, rowBytes, out, GUARD);
      int end = out.length - GUARD;
      for (int i = 0; i < GUARD; i++) {
        assertEquals(0x55, out[i], "seed=" + seed);
        assertEquals(0x55, out[end + i], "seed=" + seed);
      }
      byte[] group = Arrays.copyOfRange(out, GUARD, end);
      byte[] row = new byte[rowBytes];
      for (int r = 0; r < RowGroups.ROWS; r++) {
        RowGroups.of(type).extract(group, r, rowBytes, row);
        int from = GUARD + r * stride;
        byte[] expected =
            r < rows ? Arrays.copyOfRange(in, from, from + rowBytes) : new byte[rowBytes];
        assertArrayEquals(expected, row, type + " seed=" + seed + " row=" + r);
      }
    }
  }

  /** The places that a kernel relies on, for the first and last elements of a Q4_0 block. */
  @Test
  void shouldPutNeighboursIntoTheHalvesOfAWord() {
    byte[] block = new byte[GgmlType.Q4_0.blockBytes()];
    block[2] = 0x01; // element 0
    block[3] = 0x02; // element 1
    block[17] = (byte) 0xF0; // element 31
    byte[] group = new byte[RowGroups.ROWS * block.length];
    RowGroups.of(GgmlType.Q4_0).interleave(block, 0, block.length, 1, block.length, group, 0);
    int payload = RowGroups.of(GgmlType.Q4_0).payloadOffset();
    assertEquals(32, payload);
    assertEquals(1, group[payload]);
    assertEquals(2, group[payload + 2]);
    assertEquals((byte) 0xF0, group[payload + 3 * 64 + 3]);
  }
}
