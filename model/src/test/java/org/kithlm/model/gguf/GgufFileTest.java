package org.kithlm.model.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.TestModels;

class GgufFileTest {
  private static final int TENSOR_COUNT_OFFSET = 8;
  private static final int PAIR_COUNT_OFFSET = 16;

  @TempDir Path folder;

  private static GgufWriter small() {
    return new GgufWriter()
        .put("general.architecture", "llama")
        .put("u32", -1)
        .put("u64", 5L)
        .put("f32", 0.5f)
        .put("f64", 0.25)
        .put("flag", true)
        .put("tokens", List.of("a", "", "\u00e4\u4e2d"))
        .put("types", new int[] {1, -2})
        .put("scores", new float[] {1.5f, -2})
        .put("flags", new boolean[] {true, false})
        .tensor("vector", GgmlType.F32, new byte[12], 3)
        .tensor("matrix", GgmlType.Q8_0, new byte[4 * 34], 64, 2);
  }

  @Test
  void shouldReadEveryKindOfValue() throws IOException {
    GgufMetadata metadata = GgufFile.read(small().write(folder.resolve("a.gguf"))).metadata();
    assertEquals("llama", metadata.string("general.architecture"));
    assertThrows(GgufException.class, () -> metadata.integer("u32")); // 2^32 - 1 is no int
    assertEquals(5, metadata.integer("u64"));
    assertEquals(0.5f, metadata.real("f32"));
    assertEquals(0.25f, metadata.real("f64"));
    assertTrue(metadata.flag("flag", false));
    assertEquals(List.of("a", "", "\u00e4\u4e2d"), metadata.strings("tokens"));
    assertArrayEquals(new long[] {1, -2}, metadata.integers("types"));
    assertArrayEquals(new float[] {1.5f, -2}, metadata.reals("scores"));
    assertArrayEquals(new boolean[] {true, false}, metadata.flags("flags"));
  }

  @Test
  void shouldPlaceTensors() throws IOException {
    Path path = small().write(folder.resolve("a.gguf"));
    GgufFile file = GgufFile.read(path);
    long end = Files.size(path);
    assertEquals(
        List.of(
            new GgufTensor("vector", List.of(3L), GgmlType.F32, end - 192, 12),
            new GgufTensor("matrix", List.of(64L, 2L), GgmlType.Q8_0, end - 160, 136)),
        List.copyOf(file.tensors().values()));
  }

  @Test
  void shouldReadCopiedMetadataSection() throws IOException {
    Path path = small().write(folder.resolve("a.gguf"));
    GgufSection section = GgufFile.read(path).metadataSection();
    byte[] copy =
        Arrays.copyOfRange(
            Files.readAllBytes(path),
            (int) section.offsetBytes(),
            (int) (section.offsetBytes() + section.lengthBytes()));
    Path copied = Files.write(folder.resolve("section"), copy);
    try (FileChannel channel = FileChannel.open(copied)) {
      GgufMetadata metadata =
          new GgufSection(0, copy.length, section.pairCount()).read(channel, "section");
      assertEquals("llama", metadata.string("general.architecture"));
      assertEquals(10, metadata.keys().size());
    }
  }

  @Test
  void shouldReadStringLongerThanTheBuffer() throws IOException {
    String text = "0123456789".repeat(20_000);
    Path path = new GgufWriter().put("text", text).put("next", 7).write(folder.resolve("a.gguf"));
    GgufMetadata metadata = GgufFile.read(path).metadata();
    assertEquals(text, metadata.string("text"));
    assertEquals(7, metadata.integer("next"));
  }

  @Test
  void shouldRefuseEveryTruncation() throws IOException {
    byte[] whole = small().bytes();
    int dataEnd = whole.length - 24; // the last tensor ends before the padding
    for (int length = 0; length < dataEnd; length++) {
      Path path = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, length));
      assertThrows(GgufException.class, () -> GgufFile.read(path), "length=" + length);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0x47475546, not a GGUF file",
    "4, 1, version 1 is not supported",
    "4, 0x03000000, big-endian",
  })
  void shouldRefuseForeignFile(int offset, String value, String expected) throws IOException {
    byte[] bytes = small().bytes();
    little(bytes).putInt(offset, Integer.decode(value));
    assertRefused(bytes, expected);
  }

  @ParameterizedTest
  @ValueSource(longs = {65_537, 1L << 40, Long.MAX_VALUE, -1, Long.MIN_VALUE})
  void shouldRefuseHugeCounts(long count) throws IOException {
    byte[] tensors = small().bytes();
    little(tensors).putLong(TENSOR_COUNT_OFFSET, count);
    assertRefused(tensors, "tensor count=" + Long.toUnsignedString(count));
    byte[] pairs = small().bytes();
    little(pairs).putLong(PAIR_COUNT_OFFSET, count);
    assertRefused(pairs, "metadata count=" + Long.toUnsignedString(count));
    byte[] key = small().bytes();
    little(key).putLong(PAIR_COUNT_OFFSET + 8, count);
    assertRefused(key, "length of metadata key 0=" + Long.toUnsignedString(count));
  }

  @ParameterizedTest
  @ValueSource(longs = {100_000, 5 << 20, Long.MAX_VALUE, -1})
  void shouldRefuseHugeArray(long length) throws IOException {
    byte[] bytes = new GgufWriter().put("key", new int[] {1}).bytes();
    little(bytes).putLong(24 + 8 + 3 + 4 + 4, length);
    GgufException e = assertRefused(bytes, "metadata key");
    assertTrue(e.toString().contains("offset") || e.toString().contains("bytes"), e::toString);
  }

  @Test
  void shouldRefuseNestedArray() throws IOException {
    byte[] bytes = new GgufWriter().put("key", new int[] {1}).bytes();
    little(bytes).putInt(39, 9);
    assertRefused(bytes, "metadata key is an array of arrays");
  }

  @Test
  void shouldRefuseUnknownValueType() throws IOException {
    byte[] bytes = new GgufWriter().put("key", 1).bytes();
    little(bytes).putInt(35, 13);
    assertRefused(bytes, "metadata key has value type 13");
  }

  @Test
  void shouldRefuseBrokenText() throws IOException {
    byte[] bytes = new GgufWriter().put("key", "ab").bytes();
    bytes[47] = (byte) 0xff;
    assertRefused(bytes, "metadata key at offset 47 is not UTF-8");
  }

  @Test
  void shouldRefuseDuplicates() throws IOException {
    byte[] bytes = new GgufWriter().put("a", 1).put("b", 2).bytes();
    bytes[24 + 17 + 8] = 'a';
    assertRefused(bytes, "metadata key a at offset 41 is a duplicate");
    assertRefused(
        new GgufWriter()
            .tensor("t", GgmlType.F32, new byte[4], 1)
            .tensor("t", GgmlType.F32, new byte[4], 1)
            .bytes(),
        "tensor t is there twice");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -8, 24, 1 << 21})
  void shouldRefuseBadAlignment(int alignment) throws IOException {
    assertRefused(
        small().put("general.alignment", (long) alignment & 0x7fffffff).bytes(),
        "general.alignment");
  }

  @Test
  void shouldRefuseUnsupportedTypeByName() throws IOException {
    GgufWriter writer = new GgufWriter().tensor("t", GgmlType.F32, new byte[4], 1);
    byte[] bytes = writer.bytes();
    int typeOffset = 24 + 9 + 4 + 8;
    little(bytes).putInt(typeOffset, 10);
    assertRefused(bytes, "tensor t has unsupported type Q2_K");
    little(bytes).putInt(typeOffset, 4711);
    assertRefused(bytes, "tensor t has unsupported type 4711");
  }

  @Test
  void shouldRefuseImpossibleDimensions() throws IOException {
    assertRefused(new GgufWriter().tensor("t", GgmlType.F32, new byte[4]).bytes(), "0 dimensions");
    assertRefused(
        new GgufWriter().tensor("t", GgmlType.F32, new byte[4], 1, 1, 1, 1, 1).bytes(),
        "5 dimensions");
    assertRefused(
        new GgufWriter().tensor("t", GgmlType.F32, new byte[4], 0).bytes(), "dimension 0");
    assertRefused(
        new GgufWriter().tensor("t", GgmlType.Q8_0, new byte[34], 31).bytes(), "tensor t of type");
    assertRefused(
        new GgufWriter()
            .tensor("t", GgmlType.F32, new byte[4], 1L << 31, 1L << 31, 1L << 31)
            .bytes(),
        "tensor t of type F32 has impossible dimensions");
    assertRefused(
        new GgufWriter().tensor("t", GgmlType.F32, new byte[4], Long.MAX_VALUE).bytes(),
        "tensor t of type F32 has impossible dimensions");
  }

  @Test
  void shouldRefuseTensorsOutOfPlace() throws IOException {
    byte[] bytes =
        new GgufWriter()
            .tensor("a", GgmlType.F32, new byte[64], 16)
            .tensor("b", GgmlType.F32, new byte[64], 16)
            .bytes();
    int infoBytes = 9 + 4 + 8 + 4 + 8;
    int offsetOfB = 24 + 2 * infoBytes - 8;
    little(bytes).putLong(offsetOfB, 32);
    assertRefused(bytes, "tensors a and b overlap");
    little(bytes).putLong(offsetOfB, 65);
    assertRefused(bytes, "tensor b has offset 65");
    little(bytes).putLong(offsetOfB, 96);
    assertRefused(bytes, "tensor b needs 64 bytes");
    little(bytes).putLong(offsetOfB, Long.MAX_VALUE - 31);
    assertRefused(bytes, "tensor b needs 64 bytes");
    little(bytes).putLong(offsetOfB, -32);
    assertRefused(bytes, "tensor b has offset");
  }

  /** Every damaged file is either refused or gives tensors that lie inside it. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void shouldSurviveMutations(long seed) throws IOException {
    Random random = new Random(seed);
    byte[] whole = small().bytes();
    Path path = folder.resolve("mutated.gguf");
    for (int round = 0; round < 1000; round++) {
      byte[] bytes = mutate(whole, random);
      Files.write(path, bytes);
      try {
        for (GgufTensor tensor : GgufFile.read(path).tensors().values()) {
          assertTrue(
              tensor.offsetBytes() >= 24
                  && tensor.lengthBytes() > 0
                  && tensor.offsetBytes() + tensor.lengthBytes() <= bytes.length,
              () -> "seed=" + seed + " " + tensor);
        }
      } catch (GgufException expected) {
        assertTrue(
            expected.toString().contains(path.toString())
                || expected.toString().contains("general.alignment"));
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed=" + seed + " round=" + round, e);
      }
    }
  }

  private static byte[] mutate(byte[] whole, Random random) {
    byte[] bytes =
        random.nextInt(4) == 0
            ? Arrays.copyOf(whole, random.nextInt(whole.length + 64))
            : whole.clone();
    for (int i = random.nextInt(4); i >= 0 && bytes.length >= 8; i--) {
      int at = random.nextInt(bytes.length - 7);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> little(bytes).putInt(at, random.nextInt(20));
        default -> little(bytes).putLong(at, random.nextLong() >> random.nextInt(64));
      }
    }
    return bytes;
  }

  @ParameterizedTest
  @CsvSource({"smollm2, 272, 33", "gemma3, 236, 33", "qwen25, 339, 26"})
  void shouldReadRealModel(String name, int tensorCount, int pairCount) throws IOException {
    GgufFile file = GgufFile.read(TestModels.gguf(name));
    assertEquals(tensorCount, file.tensors().size());
    assertEquals(pairCount, file.metadata().keys().size());
  }

  private GgufException assertRefused(byte[] bytes, String expected) throws IOException {
    Path path = Files.write(folder.resolve("bad.gguf"), bytes);
    GgufException e = assertThrows(GgufException.class, () -> GgufFile.read(path));
    assertTrue(e.toString().contains(expected), e::toString);
    return e;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
