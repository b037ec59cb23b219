package org.kithlm.model.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufHeader;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.Tile;

/** Made-up weights look like weights, and are the same in the packs of all ranks. */
class SyntheticPackTest {
  private static final int HIDDEN = 512;
  private static final int FFN = 1024;
  private static final int VOCABULARY = 320;

  @TempDir Path folder;

  private Path gguf(GgmlType type) throws IOException {
    GgufHeader header =
        new GgufHeader()
            .put("general.architecture", "llama")
            .put("llama.block_count", 1)
            .put("llama.embedding_length", HIDDEN)
            .put("llama.feed_forward_length", FFN)
            .put("llama.attention.head_count", 8)
            .put("llama.attention.head_count_kv", 4)
            .put("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .put("llama.context_length", 256);
    matrix(header, "token_embd.weight", type, HIDDEN, VOCABULARY);
    matrix(header, "blk.0.attn_q.weight", type, HIDDEN, HIDDEN);
    matrix(header, "blk.0.attn_k.weight", type, HIDDEN, HIDDEN / 2);
    matrix(header, "blk.0.attn_v.weight", type, HIDDEN, HIDDEN / 2);
    matrix(header, "blk.0.attn_output.weight", type, HIDDEN, HIDDEN);
    matrix(header, "blk.0.ffn_gate.weight", type, HIDDEN, FFN);
    matrix(header, "blk.0.ffn_up.weight", type, HIDDEN, FFN);
    matrix(header, "blk.0.ffn_down.weight", type, FFN, HIDDEN);
    for (String norm : new String[] {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"}) {
      header.tensor(norm + ".weight", GgmlType.F32, 4L * HIDDEN, HIDDEN);
    }
    Path file = folder.resolve(type + ".gguf");
    byte[] bytes = header.bytes();
    Files.write(file, bytes);
    try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
      hole.setLength(bytes.length + header.dataBytes());
    }
    return file;
  }

  private static void matrix(GgufHeader header, String name, GgmlType type, int columns, int rows) {
    header.tensor(name, type, rows * type.bytes(columns), columns, rows);
  }

  private Path pack(long seed, int ranks, int rank) throws IOException {
    Path pack = folder.resolve(seed + "-" + ranks + "-" + rank + ".pack");
    double[] shares = new double[ranks];
    Arrays.fill(shares, 1);
    PackWriter.synthesize(gguf(GgmlType.Q4_K), pack, seed, shares, rank, (done, total) -> {});
    return pack;
  }

  private static boolean isIntact(Pack pack, Tile tile) throws IOException {
    try (FileChannel file = FileChannel.open(pack.path())) {
      long offset = tile.offsetBytes();
      boolean intact = true;
      for (Tile.PieceCheck check : tile.checks()) {
        ByteBuffer piece = ByteBuffer.allocate(check.lengthBytes());
        PackFormat.readFully(file, "pack", piece, offset);
        CRC32C crc = new CRC32C();
        crc.update(piece.flip());
        intact &= (int) crc.getValue() == check.crc32c();
        offset += check.lengthBytes();
      }
      return intact;
    }
  }

  @Test
  void shouldMakeWeightsAroundZero() throws IOException {
    try (Pack pack = Pack.open(pack(1, 1, 0))) {
      float[] row = new float[HIDDEN];
      double sum = 0;
      double squares = 0;
      for (int token = 0; token < VOCABULARY; token++) {
        pack.embedding().row(token, row, 0);
        pack.embeddingRows().expand(row, 1, 1);
        for (float weight : row) {
          sum += weight;
          squares += weight * weight;
        }
      }
      int count = VOCABULARY * HIDDEN;
      assertEquals(0, sum / count, 3e-4);
      assertEquals(0.02, Math.sqrt(squares / count), 2e-3);
      float[] norm = pack.vectors().get("output_norm.weight");
      assertNotNull(norm);
      assertEquals(1, norm[HIDDEN - 1]);
      for (Tile tile : pack.tiles(ShardPlan.equal(pack.config(), pack.units(), 1).shard(0))) {
        assertTrue(isIntact(pack, tile), tile::toString);
      }
    }
  }

  @Test
  void shouldWriteOnlyWhatARankNeedsOfTheSameModel() throws IOException {
    try (Pack whole = Pack.open(pack(1, 1, 0));
        Pack second = Pack.open(pack(1, 2, 1));
        Pack other = Pack.open(pack(2, 1, 0))) {
      assertEquals(whole.id(), second.id());
      assertNotEquals(whole.id(), other.id());
      ShardPlan plan = ShardPlan.equal(whole.config(), whole.units(), 2);
      for (int rank = 0; rank < 2; rank++) {
        for (Tile tile : second.tiles(plan.shard(rank))) {
          assertTrue(isIntact(whole, tile), tile::toString);
          assertEquals(rank == 1, isIntact(second, tile), tile::toString);
        }
      }
    }
  }

  @Test
  void shouldRefuseOtherTypes() throws IOException {
    Path gguf = gguf(GgmlType.Q8_0);
    PackException refusal =
        assertThrows(
            PackException.class,
            () ->
                PackWriter.synthesize(
                    gguf, folder.resolve("q8.pack"), 1, new double[] {1}, 0, (done, total) -> {}));
    assertTrue(String.valueOf(refusal.getMessage()).contains("only Q4_K"), refusal::toString);
  }
}
