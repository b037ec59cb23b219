package org.kithlm.model.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.kithlm.model.gguf.GgmlType;

/**
 * The compiled kernels.c: products of the quantized types with the bits of the Java kernels.
 * Immutable; any thread may call, each with its own {@link NativeProduct}.
 */
public final class NativeKernels {
  // Critical calls take arrays as they are, but hold up the garbage collector: keep them short.
  private static final Linker.Option ON_HEAP = Linker.Option.critical(true);

  // Constants, as else calls would allocate; each takes the address of its function first.
  private static final MethodHandle ROUND =
      handle(FunctionDescriptor.ofVoid(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG), ON_HEAP);
  private static final MethodHandle MULTIPLY =
      handle(
          FunctionDescriptor.ofVoid(
              JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
              ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS),
          ON_HEAP);

  private final MemorySegment round;
  private final MemorySegment multiply;
  private final long scratchBytes;
  private final boolean tiles;

  private NativeKernels(SymbolLookup library) throws Throwable {
    FunctionDescriptor start = FunctionDescriptor.of(JAVA_INT);
    tiles = (int) handle(start).invokeExact(symbol(library, "kith_start")) == 1;
    FunctionDescriptor length = FunctionDescriptor.of(JAVA_LONG);
    scratchBytes = (long) handle(length).invokeExact(symbol(library, "kith_scratch_bytes"));
    round = symbol(library, "kith_round");
    multiply = symbol(library, "kith_multiply");
  }

  /**
   * Loads the library, which stays loaded until the process ends.
   *
   * @throws IllegalArgumentException if the file cannot be loaded or is another library
   */
  @SuppressWarnings("restricted") // a file that this program has compiled
  public static NativeKernels load(Path library) {
    try {
      return new NativeKernels(SymbolLookup.libraryLookup(library, Arena.global()));
    } catch (Throwable e) {
      throw new IllegalArgumentException(library + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  @SuppressWarnings("restricted") // the signatures are those of kernels.c
  private static MethodHandle handle(FunctionDescriptor type, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(type, options);
  }

  private static MemorySegment symbol(SymbolLookup library, String name) {
    return library
        .find(name)
        .orElseThrow(() -> new IllegalArgumentException("it has no function " + name));
  }

  /** Whether a type has native kernels: those that are quantized. */
  static boolean support(GgmlType type) {
    return type.blockLength() > 1;
  }

  /** Whether products of many tokens run on tiles of integers (AMX). */
  public boolean hasTiles() {
    return tiles;
  }

  /** Bytes that a thread needs for its products. */
  long scratchBytes() {
    return scratchBytes;
  }

  /**
   * Rounds the inputs of some tokens.
   *
   * @param x [tokens x columns]
   * @param inputs a struct inputs
   */
  void round(GgmlType type, MemorySegment x, MemorySegment inputs, long firstToken, long endToken) {
    try {
      ROUND.invokeExact(round, type.id(), x, inputs, firstToken, endToken);
    } catch (Throwable e) {
      throw new AssertionError(e); // native code throws nothing
    }
  }

  /** Calls kith_multiply; the caller has checked all bounds. */
  void multiply(
      GgmlType type,
      long weights,
      long panelStride,
      int panels,
      int panelBlocks,
      int pieceBlocks,
      int groups,
      int rows,
      MemorySegment inputs,
      long block,
      MemorySegment floats,
      MemorySegment sums,
      MemorySegment rounders,
      long at,
      long stride,
      MemorySegment scratch) {
    try {
      MULTIPLY.invokeExact(
          multiply,
          type.id(),
          weights,
          panelStride,
          panels,
          panelBlocks,
          pieceBlocks,
          groups,
          rows,
          inputs,
          block,
          floats,
          sums,
          rounders,
          at,
          stride,
          scratch);
    } catch (Throwable e) {
      throw new AssertionError(e); // native code throws nothing
    }
  }
}
