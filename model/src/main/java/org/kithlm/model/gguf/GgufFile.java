package org.kithlm.model.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a GGUF file: metadata and where each tensor lies. Versions 2 and 3, little-endian
 * (the two differ in byte order support only). Layout as in the GGUF specification
 * (ggml/docs/gguf.md). Everything is checked against the real length of the file before anything is
 * allocated; the file is read through a buffer, never mapped, as a mapping of a file that is later
 * truncated would end the JVM. Immutable.
 */
public final class GgufFile {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final long HEADER_BYTES_MAX = 64L << 20; // the largest vocabularies take 20 MB
  private static final int COUNT_MAX = 65_536; // the largest models have some thousand tensors
  private static final int NAME_BYTES_MAX = 256; // the specification says 64
  private static final int DIMENSIONS_MAX = 4;
  private static final long ALIGNMENT_DEFAULT = 32;
  private static final long ALIGNMENT_MAX = 1 << 20;

  private final Path path;
  private final GgufMetadata metadata;
  private final GgufSection metadataSection;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(
      Path path,
      GgufMetadata metadata,
      GgufSection metadataSection,
      Map<String, GgufTensor> tensors) {
    this.path = path;
    this.metadata = metadata;
    this.metadataSection = metadataSection;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Reads the header of a file.
   *
   * @throws GgufException if the file is truncated, damaged, hostile or not supported; the message
   *     names the file and the offset, key or tensor
   * @throws IOException if it cannot be read
   */
  public static GgufFile read(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long fileBytes = channel.size();
      boolean small = fileBytes <= HEADER_BYTES_MAX;
      GgufInput input =
          new GgufInput(
              channel,
              path.toString(),
              0,
              Math.min(fileBytes, HEADER_BYTES_MAX),
              small
                  ? "the file ends at " + fileBytes
                  : "a header may take at most " + HEADER_BYTES_MAX + " bytes");
      checkMagicAndVersion(input);
      int tensorCount = input.readCount(COUNT_MAX, "tensor count");
      int pairCount = input.readCount(COUNT_MAX, "metadata count");
      long metadataStart = input.positionBytes();
      GgufMetadata metadata = new GgufMetadataReader(input).read(pairCount);
      GgufSection section =
          new GgufSection(metadataStart, input.positionBytes() - metadataStart, pairCount);
      long alignment = alignment(input, metadata);
      List<GgufTensor> relative = readTensorInfos(input, tensorCount);
      long dataStart = Math.ceilDiv(input.positionBytes(), alignment) * alignment;
      Map<String, GgufTensor> tensors = place(input, relative, dataStart, alignment, fileBytes);
      return new GgufFile(path, metadata, section, tensors);
    }
  }

  /** The file that was read. */
  public Path path() {
    return path;
  }

  /** The key-value section, parsed. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** Where the key-value section lies, to be copied verbatim. */
  public GgufSection metadataSection() {
    return metadataSection;
  }

  /** All tensors by name, in the order of the header. */
  public Map<String, GgufTensor> tensors() {
    return tensors;
  }

  private static void checkMagicAndVersion(GgufInput input) throws IOException {
    int magic = input.readInt("magic");
    if (magic != MAGIC) {
      throw input.failure(
          "not a GGUF file: it starts with 0x%08x".formatted(Integer.reverseBytes(magic)));
    }
    int version = input.readInt("version");
    int reversed = Integer.reverseBytes(version);
    if (reversed == 2 || reversed == 3) {
      throw input.failure("big-endian GGUF files are not supported");
    }
    if (version != 2 && version != 3) {
      throw input.failure(
          "GGUF version "
              + Integer.toUnsignedString(version)
              + " is not supported, only 2 and 3 are");
    }
  }

  private static long alignment(GgufInput input, GgufMetadata metadata) {
    String key = "general.alignment";
    long alignment = metadata.integer(key, (int) ALIGNMENT_DEFAULT);
    if (alignment < 1 || alignment > ALIGNMENT_MAX || Long.bitCount(alignment) != 1) {
      throw input.failure(
          "metadata "
              + key
              + "="
              + alignment
              + " is not a power of two of at most "
              + ALIGNMENT_MAX);
    }
    return alignment;
  }

  /** The tensors with offsets that count from the start of the data. */
  private static List<GgufTensor> readTensorInfos(GgufInput input, int count) throws IOException {
    List<GgufTensor> tensors = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = input.readString(NAME_BYTES_MAX, "name of tensor " + i);
      String what = "tensor " + name;
      List<Long> dimensions = readDimensions(input, what);
      GgmlType type = readType(input, what);
      long lengthBytes = lengthBytes(input, what, dimensions, type);
      long offsetBytes = input.readLong("offset of " + what);
      tensors.add(new GgufTensor(name, dimensions, type, offsetBytes, lengthBytes));
    }
    return tensors;
  }

  private static List<Long> readDimensions(GgufInput input, String what) throws IOException {
    int count = input.readInt("dimension count of " + what);
    if (count < 1 || count > DIMENSIONS_MAX) {
      throw input.failure(
          what
              + " has "
              + Integer.toUnsignedString(count)
              + " dimensions, expected 1 to "
              + DIMENSIONS_MAX);
    }
    List<Long> dimensions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long dimension = input.readLong("dimension of " + what);
      if (dimension < 1) {
        throw input.failure(what + " has dimension " + Long.toUnsignedString(dimension));
      }
      dimensions.add(dimension);
    }
    return dimensions;
  }

  private static GgmlType readType(GgufInput input, String what) throws IOException {
    int id = input.readInt("type of " + what);
    try {
      return GgmlType.ofId(id);
    } catch (IllegalArgumentException e) {
      throw input.failure(
          what
              + " has unsupported type "
              + GgmlTypeNames.of(id)
              + "; supported are "
              + List.of(GgmlType.values()),
          e);
    }
  }

  private static long lengthBytes(
      GgufInput input, String what, List<Long> dimensions, GgmlType type) {
    try {
      long rowBytes = type.bytes(dimensions.getFirst());
      return dimensions.stream().skip(1).reduce(rowBytes, Math::multiplyExact);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw input.failure(
          what + " of type " + type + " has impossible dimensions " + dimensions, e);
    }
  }

  /** Turns offsets from the start of the data into offsets in the file, and checks them. */
  private static Map<String, GgufTensor> place(
      GgufInput input, List<GgufTensor> relative, long dataStart, long alignment, long fileBytes) {
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    for (GgufTensor tensor : relative) {
      String what = "tensor " + tensor.name();
      long offset = tensor.offsetBytes();
      if (offset < 0 || offset % alignment != 0) {
        throw input.failure(
            what
                + " has offset "
                + Long.toUnsignedString(offset)
                + ", not a multiple of "
                + alignment);
      }
      // Compared without sums, which could overflow.
      if (dataStart > fileBytes
          || offset > fileBytes - dataStart
          || tensor.lengthBytes() > fileBytes - dataStart - offset) {
        throw input.failure(
            what
                + " needs "
                + tensor.lengthBytes()
                + " bytes at offset "
                + dataStart
                + "+"
                + offset
                + ", but the file ends at "
                + fileBytes
                + "; download it again");
      }
      GgufTensor placed =
          new GgufTensor(
              tensor.name(),
              tensor.dimensions(),
              tensor.type(),
              dataStart + offset,
              tensor.lengthBytes());
      if (tensors.put(tensor.name(), placed) != null) {
        throw input.failure(what + " is there twice");
      }
    }
    checkDisjoint(input, tensors);
    return tensors;
  }

  private static void checkDisjoint(GgufInput input, Map<String, GgufTensor> tensors) {
    List<GgufTensor> sorted =
        tensors.values().stream()
            .sorted(Comparator.comparingLong(GgufTensor::offsetBytes))
            .toList();
    for (int i = 1; i < sorted.size(); i++) {
      GgufTensor before = sorted.get(i - 1);
      GgufTensor after = sorted.get(i);
      if (after.offsetBytes() - before.offsetBytes() < before.lengthBytes()) {
        throw input.failure(
            "tensors "
                + before.name()
                + " and "
                + after.name()
                + " overlap at offset "
                + after.offsetBytes());
      }
    }
  }
}
