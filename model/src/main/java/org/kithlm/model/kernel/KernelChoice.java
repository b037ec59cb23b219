package org.kithlm.model.kernel;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which kernels multiply quantized weights in this process: chosen once, before the first matrix.
 * Where nobody chooses it is those in Java, which need nothing. Both give the same bits.
 *
 * @param kernels the native ones, or null for those in Java
 * @param reason why, for the user
 * @param broken whether native ones are there but do not work
 */
public record KernelChoice(@Nullable NativeKernels kernels, String reason, boolean broken) {
  private static final Logger LOG = LoggerFactory.getLogger(KernelChoice.class);

  private static volatile @Nullable NativeKernels current;

  /** What the user wants. */
  public enum Wish {
    /** The native ones where they were built and work. */
    AUTO,
    /** Those in Java. */
    JAVA,
    /** The native ones or an error. */
    NATIVE
  }

  /**
   * Chooses for all matrices and inputs made from now on, and logs it.
   *
   * @param folder where {@link NativeLibrary} builds
   * @throws IllegalStateException if native kernels are a must and cannot be had; the message says
   *     why
   */
  public static KernelChoice make(Wish wish, Path folder) {
    KernelChoice choice = find(wish, folder);
    if (wish == Wish.NATIVE && choice.kernels == null) {
      throw new IllegalStateException("no native kernels: " + choice.reason);
    }
    current = choice.kernels;
    if (choice.broken) {
      LOG.warn("matrices are multiplied in Java, as {}", choice.reason);
    } else {
      LOG.info("{} kernels multiply matrices: {}", choice.kind(), choice.reason);
    }
    return choice;
  }

  /** What would be chosen. */
  public static KernelChoice find(Wish wish, Path folder) {
    if (wish == Wish.JAVA) {
      return new KernelChoice(null, "as asked for", false);
    }
    Path library = NativeLibrary.file(folder);
    if (!Files.exists(library)) {
      return new KernelChoice(
          null,
          library + " is missing; kith doctor --build-native makes it for this version and CPU",
          false);
    }
    try {
      NativeKernels kernels = NativeKernels.load(library);
      String difference = NativeSelfTest.difference(kernels);
      return difference == null
          ? new KernelChoice(kernels, library + " agrees with Java", false)
          : new KernelChoice(null, library + " fails its test: " + difference, true);
    } catch (IllegalArgumentException e) {
      return new KernelChoice(null, String.valueOf(e.getMessage()), true);
    }
  }

  /** How {@code --kernels} calls them. */
  public String kind() {
    return kernels == null ? "java" : "native";
  }

  /** The native kernels, or null where those in Java were chosen. */
  static @Nullable NativeKernels current() {
    return current;
  }
}
