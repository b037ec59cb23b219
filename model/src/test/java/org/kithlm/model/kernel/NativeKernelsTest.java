package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/** The native kernels, compiled here for each instruction set that this machine has. */
class NativeKernelsTest {
  /** Compiler options for an instruction set, and what Linux calls it. */
  private record Target(List<String> options, Set<String> features) {}

  private static final List<Target> TARGETS =
      List.of(
          new Target(List.of("-march=x86-64"), Set.of("sse2")),
          new Target(List.of("-march=x86-64-v3"), Set.of("avx2", "fma")),
          new Target(List.of("-march=x86-64-v3", "-mavxvnni"), Set.of("avx2", "fma", "avx_vnni")),
          new Target(List.of("-march=x86-64-v4"), Set.of("avx512bw")),
          new Target(List.of("-march=x86-64-v4", "-mavx512vnni"), Set.of("avx512_vnni")));

  private static final Map<String, NativeKernels> KERNELS = new LinkedHashMap<>();

  @SuppressWarnings("NullAway.Init") // set by JUnit
  @TempDir
  private static Path folder;

  @BeforeAll
  static void compile() throws IOException, InterruptedException {
    Assumptions.assumeTrue(
        System.getProperty(Lanes.BITS_PROPERTY) == null,
        "the Java kernels have the same bits with all vectors, so one run is enough");
    Assumptions.assumeTrue(
        NativeLibrary.compiler().isPresent(), "this machine has no C compiler in PATH");
    KERNELS.put("native", NativeKernels.load(NativeLibrary.build(folder)));
    for (Target target : TARGETS) {
      if (Processor.features().containsAll(target.features)) {
        String name = String.join(" ", target.options);
        Path library = folder.resolve(KERNELS.size() + ".so");
        KERNELS.put(
            name, NativeKernels.load(NativeLibrary.build(folder, library, options(target))));
      }
    }
  }

  private static List<String> options(Target target) {
    List<String> options = new ArrayList<>(NativeLibrary.options());
    options.removeIf(option -> option.startsWith("-march="));
    options.addAll(target.options);
    return options;
  }

  static Stream<GgmlType> quantizedTypes() {
    return Stream.of(GgmlType.values()).filter(NativeKernels::support);
  }

  /** A tile of random weights whose f16 scales are of a given size, of both signs. */
  private record Weights(Tile tile, MemorySegment bytes) {
    static Weights random(
        Arena arena, GgmlType type, int rows, int panels, int panelColumns, float scale, Random r) {
      int bytes =
          Math.toIntExact(RowGroups.padded(rows) * type.bytes(panels * (long) panelColumns));
      int columns = panels * panelColumns;
      Tile tile =
          new Tile(
              0,
              TensorRole.FFN_UP,
              0,
              type,
              0,
              rows,
              0,
              columns,
              panelColumns,
              0,
              bytes,
              List.of());
      byte[] content = new byte[bytes];
      r.nextBytes(content);
      MemorySegment segment = arena.allocate(bytes, Short.BYTES);
      segment.copyFrom(MemorySegment.ofArray(content));
      int block = RowGroups.ROWS * type.blockBytes();
      for (int at = 0; at < bytes; at += block) {
        int fields = RowGroups.of(type).payloadOffset() >= 64 && type != GgmlType.Q6_K ? 2 : 1;
        for (int i = 0; i < fields * RowGroups.ROWS; i++) {
          float value = scale * (1 + r.nextFloat()) * (r.nextBoolean() ? 1 : -1);
          segment.set(ValueLayout.JAVA_SHORT, at + 2L * i, Float.floatToFloat16(value));
        }
      }
      return new Weights(tile, segment);
    }

    float[] product(float[] x, int tokens, @Nullable NativeKernels kernels) {
      int stride = tile.rowCount() + 3;
      float[] y = new float[tokens * stride];
      Arrays.fill(y, 0.5f);
      MatMul matMul = new MatMul(kernels);
      Activations inputs = inputs(x, tokens, kernels);
      int split = tile.groupCount() / 2;
      matMul.addProduct(tile, bytes, inputs, 0, y, 2, stride, 0, split);
      matMul.addProduct(tile, bytes, inputs, 0, y, 2, stride, split, tile.groupCount());
      return y;
    }

    double[] sums(float[] x, int tokens, @Nullable NativeKernels kernels) {
      TermSums y = new TermSums(tokens, tile.rowCount());
      Arrays.fill(y.values(), 1e-9);
      for (int token = 1; token < tokens; token++) { // the first has no grid
        y.roundTo(token, -token);
      }
      Activations inputs = inputs(x, tokens, kernels);
      new MatMul(kernels)
          .addPartialSums(tile, bytes, inputs, 0, y, 0, tile.rowCount(), 0, tile.groupCount());
      return y.values();
    }

    private Activations inputs(float[] x, int tokens, @Nullable NativeKernels kernels) {
      int columns = tile.columnCount();
      Activations inputs = new Activations(tokens, columns, List.of(tile.type()), kernels);
      inputs.set(x, tokens, columns);
      inputs.prepare(tile.type());
      return inputs;
    }
  }

  private static float[] inputs(int length, Random random) {
    float size = new float[] {1, 1e-30f, 0x1p-126f, 1e15f}[random.nextInt(4)];
    float[] x = new float[length];
    for (int i = 0; i < length; i++) {
      x[i] = size * (float) random.nextGaussian();
    }
    if (random.nextBoolean()) { // all at the ends of the range
      for (int i = 0; i < length; i++) {
        x[i] = x[i] > 0 ? size : -size;
      }
    }
    return x;
  }

  @ParameterizedTest
  @MethodSource("quantizedTypes")
  void shouldHaveTheBitsOfJavaForAnyShape(GgmlType type) {
    int block = type.blockLength();
    for (long seed = 1; seed <= 30; seed++) {
      Random random = new Random(seed);
      int columns = block * (1 + random.nextInt((random.nextInt(8) == 0 ? 3000 : 800) / block));
      int panels = 1 + random.nextInt(3);
      int rows = 1 + random.nextInt(60);
      int tokens = new int[] {1, 2, 4, 15, 16, 17, 33, 48}[random.nextInt(8)];
      float scale = new float[] {1e-3f, 1, 0x1p-16f, 0x1p-24f, 60, 16_000}[random.nextInt(6)];
      try (Arena arena = Arena.ofConfined()) {
        Weights w = Weights.random(arena, type, rows, panels, columns, scale, random);
        float[] x = inputs(tokens * panels * columns, random);
        float[] product = w.product(x, tokens, null);
        double[] sums = w.sums(x, tokens, null);
        KERNELS.forEach(
            (name, kernels) -> {
              String what = name + " tokens=" + tokens + " " + w.tile;
              assertSameBits(product, w.product(x, tokens, kernels), what);
              assertArrayEquals(sums, w.sums(x, tokens, kernels), 0, what);
            });
      } catch (AssertionError e) {
        throw new AssertionError("seed=" + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static void assertSameBits(float[] expected, float[] actual, String what) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(
          Float.floatToRawIntBits(expected[i]), Float.floatToRawIntBits(actual[i]), () -> what);
    }
  }

  @ParameterizedTest
  @MethodSource("quantizedTypes")
  void shouldNotAllocateOnceCompiled(GgmlType type) {
    var memory = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    NativeKernels kernels = KERNELS.get("native");
    MatMul matMul = new MatMul(kernels);
    int tokens = 5;
    try (Arena arena = Arena.ofConfined()) {
      Tile tile = Weights.random(arena, type, 25, 2, 256, 0.01f, new Random(1)).tile;
      MemorySegment bytes = arena.allocate(tile.lengthBytes());
      float[] x = new float[tokens * tile.columnCount()];
      Activations inputs = new Activations(tokens, tile.columnCount(), List.of(type), kernels);
      float[] y = new float[tokens * tile.rowCount()];
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 200_000 && least > 0; i++) {
        long before = memory.getCurrentThreadAllocatedBytes();
        inputs.set(x, tokens, tile.columnCount());
        inputs.prepare(type);
        matMul.addProduct(tile, bytes, inputs, 0, y, 0, tile.rowCount(), 0, 2);
        least = Math.min(least, memory.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, type.toString());
    }
  }

  @Test
  void shouldBeChosenWhereTheyWereBuilt() throws IOException, InterruptedException {
    NativeLibrary.build(folder);
    KernelChoice choice = KernelChoice.find(KernelChoice.Wish.AUTO, folder);
    assertTrue(choice.kernels() != null, choice.reason());
    assertNull(KernelChoice.find(KernelChoice.Wish.JAVA, folder).kernels());
  }

  @Test
  void shouldFallBackToJavaWhereTheFileIsMissing(@TempDir Path empty) {
    assertFallsBack(empty, "--build-native");
  }

  @Test
  void shouldNotLoadWhatWasBuiltForAnother(@TempDir Path other)
      throws IOException, InterruptedException {
    NativeLibrary.build(
        other, other.resolve("kernels-0123456789abcdef.so"), NativeLibrary.options());
    assertFallsBack(other, "--build-native");
  }

  @Test
  void shouldFallBackToJavaWhereTheFileIsDamaged(@TempDir Path damaged) throws IOException {
    Files.writeString(NativeLibrary.file(damaged), "not a library");
    assertFallsBack(damaged, "cannot be loaded");
  }

  @Test
  void shouldFallBackToJavaWhereResultsDiffer(@TempDir Path wrong)
      throws IOException, InterruptedException {
    List<String> options = new ArrayList<>(NativeLibrary.options());
    options.add("-D__builtin_convertvector(v,t)=(__builtin_convertvector(v,t)*3)");
    NativeLibrary.build(wrong, NativeLibrary.file(wrong), options);
    assertFallsBack(wrong, "differs from Java");
  }

  @Test
  void shouldTellWhatTheCompilerSays(@TempDir Path broken) {
    List<String> options = List.of("-fno-such-option");
    Path file = NativeLibrary.file(broken);
    IOException e =
        assertThrows(IOException.class, () -> NativeLibrary.build(broken, file, options));
    assertTrue(String.valueOf(e.getMessage()).contains("no-such-option"), e.getMessage());
    assertTrue(Files.notExists(file));
  }

  private static void assertFallsBack(Path folder, String reason) {
    KernelChoice choice = KernelChoice.make(KernelChoice.Wish.AUTO, folder);
    assertNull(choice.kernels());
    assertTrue(choice.reason().contains(reason), choice.reason());
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class, () -> KernelChoice.make(KernelChoice.Wish.NATIVE, folder));
    assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
  }
}
