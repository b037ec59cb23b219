package org.kithlm.model.kernel;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Builds kernels.c for this machine. The name of the file tells the version of the source and the
 * processor that it was built for, so that no other is ever loaded.
 */
public final class NativeLibrary {
  private static final List<String> COMPILERS = List.of("cc", "gcc", "clang");
  private static final long TIMEOUT_SECONDS = 120;
  private static final int MESSAGE_MAX = 300;

  private NativeLibrary() {}

  /** The file that fits this version and processor, whether or not it is there. */
  public static Path file(Path folder) {
    String key = digest(source() + options() + Processor.features());
    return folder.resolve("kernels-" + key.substring(0, 16) + ".so");
  }

  /** The machine's C compiler. */
  public static Optional<Path> compiler() {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    return COMPILERS.stream()
        .flatMap(name -> Stream.of(path.split(File.pathSeparator)).map(dir -> Path.of(dir, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /**
   * Compiles the kernels.
   *
   * @return the file, which replaces an older one of the same name
   * @throws IOException if there is no compiler or it fails; the message has its first words
   */
  public static Path build(Path folder) throws IOException, InterruptedException {
    return build(folder, file(folder), options());
  }

  static Path build(Path folder, Path library, List<String> options)
      throws IOException, InterruptedException {
    Path compiler =
        compiler()
            .orElseThrow(
                () ->
                    new IOException(
                        "no C compiler (" + String.join(", ", COMPILERS) + ") in PATH"));
    Files.createDirectories(folder);
    Path work = Files.createTempDirectory(folder, "build");
    Path source = work.resolve("kernels.c");
    Path object = work.resolve("kernels.so");
    Path messages = work.resolve("messages");
    try {
      Files.writeString(source, source());
      List<String> command = new ArrayList<>();
      command.add(compiler.toString());
      command.addAll(options);
      command.addAll(List.of("-o", object.toString(), source.toString(), "-lm"));
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(messages.toFile())
              .start();
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new IOException(compiler + " did not end within " + TIMEOUT_SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        throw new IOException(compiler + " failed: " + firstWords(messages));
      }
      return Files.move(object, library, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      for (Path file : List.of(source, object, messages, work)) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Sums must not be contracted, as Java's are not. */
  static List<String> options() {
    String target = Processor.isArm() ? "-mcpu=native" : "-march=native";
    return List.of("-std=gnu11", "-O3", target, "-ffp-contract=off", "-shared", "-fPIC");
  }

  private static String firstWords(Path messages) throws IOException {
    String text = Files.readString(messages).strip().replace('\n', ' ');
    return text.length() <= MESSAGE_MAX ? text : text.substring(0, MESSAGE_MAX) + "...";
  }

  private static String source() {
    try (InputStream in =
        Objects.requireNonNull(NativeLibrary.class.getResourceAsStream("kernels.c"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).toLowerCase(Locale.ROOT);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }
}
