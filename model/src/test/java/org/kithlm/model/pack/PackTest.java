package org.kithlm.model.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.TestModels;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfigReader;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

class PackTest {
  private static final ProgressListener SILENT = (doneBytes, totalBytes) -> {};

  @TempDir Path folder;

  private static TinyModel llama() {
    return new TinyModel(
        Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 1);
  }

  private Path packOf(TinyModel model) throws IOException {
    Path gguf = model.write(folder.resolve("model.gguf"));
    Path pack = folder.resolve("model.pack");
    PackWriter.write(gguf, pack, SILENT);
    return pack;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void shouldHoldEveryTensorOnce(long seed) throws IOException {
    TinyModel model = random(seed);
    Path path = packOf(model);
    try (Pack pack = Pack.open(path)) {
      PackCheck.check(GgufFile.read(folder.resolve("model.gguf")), pack, 5, 1);
    } catch (IOException | RuntimeException | AssertionError e) {
      throw new AssertionError("seed=" + seed + " " + model, e);
    }
  }

  private static TinyModel random(long seed) {
    Random random = new Random(seed);
    List<GgmlType> allTypes = List.of(GgmlType.values());
    Map<TensorRole, GgmlType> types = new EnumMap<>(TensorRole.class);
    for (TensorRole role : TensorRole.values()) {
      types.put(role, pick(allTypes, random));
    }
    int kvHeads = 1 + random.nextInt(3);
    return new TinyModel(
        pick(List.of(Architecture.values()), random),
        1 + random.nextInt(3),
        256 * (1 + random.nextInt(2)),
        256 * (1 + random.nextInt(4)),
        kvHeads * (4 * (1 + random.nextInt(2))),
        kvHeads,
        64,
        500 + random.nextInt(2000),
        random.nextBoolean(),
        pick(allTypes, random),
        types,
        seed);
  }

  private static <T> T pick(List<T> values, Random random) {
    return values.get(random.nextInt(values.size()));
  }

  @Test
  void shouldHoldShorterLastFfnUnit() throws IOException {
    try (Pack pack = Pack.open(packOf(llama()))) { // 80 columns: 32, 32 and 16
      PackCheck.check(GgufFile.read(folder.resolve("model.gguf")), pack, 5, 1);
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 3);
      List<Tile> down =
          pack.tiles(plan.shard(2)).stream()
              .filter(tile -> tile.role() == TensorRole.FFN_DOWN)
              .toList();
      assertEquals(16, down.getFirst().panelColumns());
    }
  }

  @Test
  void shouldKeepConfigAndMetadata() throws IOException {
    Path path = packOf(llama());
    GgufFile gguf = GgufFile.read(folder.resolve("model.gguf"));
    try (Pack pack = Pack.open(path)) {
      assertEquals(ModelConfigReader.from(gguf.metadata(), gguf.tensors()), pack.config());
      assertEquals(gguf.metadata().keys(), pack.metadata().keys());
      assertEquals("llama", pack.metadata().string("general.architecture"));
    }
  }

  @Test
  void shouldAlignMatricesAndEnd() throws IOException {
    Path path = packOf(llama());
    assertEquals(0, Files.size(path) % 4096);
    try (Pack pack = Pack.open(path)) {
      for (Tile tile : pack.tiles(ShardPlan.equal(pack.config(), pack.units(), 1).shard(0))) {
        if (tile.firstRow() == 0 && tile.firstColumn() == 0) {
          assertEquals(0, tile.offsetBytes() % 4096, tile::toString);
        }
      }
    }
  }

  @Test
  void shouldIdentifyContent() throws IOException {
    String first = idOf(packOf(llama()));
    assertEquals(first, idOf(packOf(llama())));
    TinyModel other =
        new TinyModel(
            Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 2);
    assertNotEquals(first, idOf(packOf(other)));
  }

  private static String idOf(Path path) throws IOException {
    try (Pack pack = Pack.open(path)) {
      return pack.id();
    }
  }

  @Test
  void shouldReportProgressToTheEnd() throws IOException {
    Path gguf = llama().write(folder.resolve("model.gguf"));
    List<Long> done = new ArrayList<>();
    List<Long> total = new ArrayList<>();
    PackWriter.write(
        gguf,
        folder.resolve("model.pack"),
        (doneBytes, totalBytes) -> {
          done.add(doneBytes);
          total.add(totalBytes);
        });
    assertEquals(done.stream().sorted().toList(), done);
    assertEquals(total.getFirst(), done.getLast());
    assertEquals(1, total.stream().distinct().count());
  }

  @Test
  void shouldLeaveNothingBehindWhenTheSourceIsRefused() throws IOException {
    Path gguf = llama().writer().put("llama.expert_count", 8).write(folder.resolve("model.gguf"));
    Path pack = folder.resolve("model.pack");
    assertThrows(GgufException.class, () -> PackWriter.write(gguf, pack, SILENT));
    assertOnlyFile(gguf);
  }

  @Test
  void shouldLeaveNothingBehindWhenWritingStops() throws IOException {
    Path gguf = llama().write(folder.resolve("model.gguf"));
    ProgressListener stop =
        (doneBytes, totalBytes) -> {
          if (doneBytes > totalBytes / 2) {
            throw new IllegalStateException("stop");
          }
        };
    assertThrows(
        IllegalStateException.class,
        () -> PackWriter.write(gguf, folder.resolve("model.pack"), stop));
    assertOnlyFile(gguf);
  }

  private void assertOnlyFile(Path file) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void shouldRefuseFullDisk() {
    PackException e =
        assertThrows(
            PackException.class,
            () -> PackWriter.requireSpace(folder, folder.resolve("model.pack"), Long.MAX_VALUE));
    assertTrue(e.toString().contains("model.pack needs " + Long.MAX_VALUE), e::toString);
  }

  @Test
  void shouldRefuseDamagedStart() throws IOException {
    Path path = packOf(llama());
    assertDamaged(path, 0, "magic");
    assertDamaged(path, 9, "the prologue is damaged");
    assertDamaged(path, 40, "the prologue is damaged");
    assertDamaged(path, 64 + 100, "the index is damaged");
  }

  @Test
  void shouldRefuseAnotherLayoutAndSayWhatToDo() throws IOException {
    byte[] bytes = Files.readAllBytes(packOf(llama()));
    ByteBuffer prologue = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    prologue.putInt(8, 1).put(12, "rows".getBytes(StandardCharsets.US_ASCII));
    prologue.putInt(48, PackFormat.crc32c(bytes, 48));
    Path old = Files.write(folder.resolve("old.pack"), bytes);
    String message = assertThrows(PackException.class, () -> Pack.open(old)).toString();
    assertTrue(message.contains("version=1 layout=rows"), message);
    assertTrue(message.contains("kith pull"), message);
  }

  @Test
  void shouldRefuseDamagedSections() throws IOException {
    Path path = packOf(llama());
    byte[] whole = Files.readAllBytes(path);
    Path gguf = folder.resolve("model.gguf");
    byte[] source = Files.readAllBytes(gguf);
    GgufFile file = GgufFile.read(gguf);
    int norm =
        (int) Objects.requireNonNull(file.tensors().get("blk.1.attn_norm.weight")).offsetBytes();
    int common = indexOf(whole, Arrays.copyOfRange(source, norm, norm + 64));
    assertDamaged(path, common, "the common section is damaged");
    int metadata = indexOf(whole, "general.architecture".getBytes(StandardCharsets.US_ASCII));
    try (Pack pack = Pack.open(flipped(path, metadata))) {
      PackException e = assertThrows(PackException.class, pack::metadata);
      assertTrue(e.toString().contains("the metadata is damaged"), e::toString);
    }
  }

  @Test
  void shouldRefuseDamagedEmbeddingOnly() throws IOException {
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 1, 64, 64, 2, 1, 32, 5000, true, GgmlType.Q8_0, Map.of(), 3);
    Path path = packOf(model);
    long embedding;
    try (Pack pack = Pack.open(path)) {
      RankShard root = ShardPlan.equal(pack.config(), pack.units(), 1).shard(0);
      embedding =
          pack.tiles(root).stream()
              .filter(tile -> tile.role() == TensorRole.LM_HEAD)
              .findFirst()
              .orElseThrow()
              .offsetBytes();
    }
    try (Pack pack = Pack.open(flipped(path, (int) embedding + 3))) {
      EmbeddingTable table = pack.embedding();
      float[] row = new float[64];
      PackException e = assertThrows(PackException.class, () -> table.row(10, row, 0));
      assertTrue(e.toString().contains("token_embd.weight piece 0 is damaged"), e::toString);
      table.row(4999, row, 0); // lies in another piece
    }
  }

  @Test
  void shouldRefuseTruncatedPack() throws IOException {
    Path path = packOf(llama());
    long length = Files.size(path);
    for (long cut : new long[] {0, 63, 100, 5000, length - 1}) {
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.setLength(Math.min(cut, file.length()));
      }
      cutAndCheck(path, cut);
      packOf(llama());
    }
  }

  private static void cutAndCheck(Path path, long cut) {
    PackException e = assertThrows(PackException.class, () -> Pack.open(path));
    assertTrue(
        e.toString().contains("expected") && e.toString().contains("the file has " + cut),
        e::toString);
  }

  @Test
  void shouldRefuseForeignShardAndToken() throws IOException {
    try (Pack pack = Pack.open(packOf(llama()))) {
      RankShard cut = new RankShard(0, 1, 0, 6, 0, 3, 0, 10, 0, 0, AttentionPlacement.SPLIT);
      assertThrows(IllegalArgumentException.class, () -> pack.tiles(cut));
      RankShard large = new RankShard(0, 1, 0, 7, 0, 3, 0, 80, 0, 0, AttentionPlacement.SPLIT);
      assertThrows(IllegalArgumentException.class, () -> pack.tiles(large));
      EmbeddingTable table = pack.embedding();
      assertThrows(IllegalArgumentException.class, () -> table.row(50, new float[64], 0));
      assertThrows(IllegalArgumentException.class, () -> table.row(-1, new float[64], 0));
    }
  }

  /** A leaf's file needs only its runs: with zeros elsewhere it opens and its tiles check. */
  @Test
  void shouldOpenWithHolesOutsideOfRuns() throws IOException {
    Path path = packOf(llama());
    byte[] whole = Files.readAllBytes(path);
    byte[] sparse = new byte[whole.length];
    List<Tile> tiles;
    try (Pack pack = Pack.open(path)) {
      RankShard leaf = ShardPlan.equal(pack.config(), pack.units(), 3).shard(1);
      for (PackRun run : pack.runs(leaf)) {
        System.arraycopy(
            whole,
            (int) run.offsetBytes(),
            sparse,
            (int) run.offsetBytes(),
            (int) run.lengthBytes());
      }
      tiles = pack.tiles(leaf);
    }
    try (Pack pack = Pack.open(Files.write(folder.resolve("leaf.pack"), sparse))) {
      assertEquals(tiles, pack.tiles(ShardPlan.equal(pack.config(), pack.units(), 3).shard(1)));
      for (Tile tile : tiles) {
        int from = (int) tile.offsetBytes();
        assertArrayEquals(
            Arrays.copyOfRange(whole, from, from + tile.lengthBytes()),
            Arrays.copyOfRange(sparse, from, from + tile.lengthBytes()),
            tile.toString());
      }
      assertThrows(PackException.class, () -> pack.embedding().row(0, new float[64], 0));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gemma3", "qwen25"})
  void shouldHoldRealModel(String name) throws IOException {
    Path gguf = TestModels.gguf(name);
    Path path = folder.resolve(name + ".pack");
    PackWriter.write(gguf, path, SILENT);
    GgufFile file = GgufFile.read(gguf);
    try (Pack pack = Pack.open(path)) {
      assertEquals(ModelConfigReader.from(file.metadata(), file.tensors()), pack.config());
      assertEquals(file.metadata().keys(), pack.metadata().keys());
      PackCheck.check(file, pack, 5, 61);
    }
  }

  private void assertDamaged(Path path, int offset, String expected) throws IOException {
    Path damaged = flipped(path, offset);
    PackException e = assertThrows(PackException.class, () -> Pack.open(damaged));
    assertTrue(
        e.toString().contains(expected) && e.toString().contains(damaged.toString()), e::toString);
  }

  private Path flipped(Path path, int offset) throws IOException {
    byte[] bytes = Files.readAllBytes(path);
    bytes[offset] ^= 1;
    return Files.write(folder.resolve("damaged.pack"), bytes);
  }

  private static int indexOf(byte[] whole, byte[] part) {
    for (int i = 0; i + part.length <= whole.length; i++) {
      if (Arrays.equals(whole, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }
}
