package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufSection;

/**
 * Fills the body of a pack with made-up weights and ones for vectors. Only some runs of the file
 * are written, but all are checked, so that the packs of all ranks have the same index.
 */
final class SyntheticBodyWriter {
  private final GgufFile source;
  private final FileChannel in;
  private final FileChannel out;
  private final long bodyOffsetBytes;
  private final PackIndex index;
  private final List<PackRun> runs;
  private final ProgressListener listener;
  private int run;

  /**
   * @param runs of the file to be written, in order
   */
  SyntheticBodyWriter(
      GgufFile source,
      FileChannel in,
      FileChannel out,
      long bodyOffsetBytes,
      PackIndex index,
      List<PackRun> runs,
      ProgressListener listener) {
    this.source = source;
    this.in = in;
    this.out = out;
    this.bodyOffsetBytes = bodyOffsetBytes;
    this.index = index;
    this.runs = runs;
    this.listener = listener;
  }

  /** Writes the body; returns the index with all checks. */
  PackIndex write(SyntheticWeights weights) throws IOException {
    int metadataCrc = writeSection(index.metadata(), metadata());
    int commonCrc = writeSection(index.common(), vectors());
    List<PackTensor> checked = new ArrayList<>();
    for (PackTensor tensor : index.tensors()) {
      if (tensor.type() != SyntheticWeights.TYPE) {
        throw new PackException(
            tensor.name() + " is " + tensor.type() + ", but only Q4_K can be made up");
      }
      int[] checks = new int[tensor.pieceCount()];
      for (int piece = 0; piece < checks.length; piece++) {
        checks[piece] =
            writePiece(weights, tensor.pieceOffsetBytes(piece), tensor.pieceBytes(piece));
      }
      checked.add(tensor.withChecks(checks));
      listener.progress(tensor.offsetBytes() + tensor.lengthBytes(), index.bodyBytes());
    }
    return index.withChecks(metadataCrc, commonCrc, checked);
  }

  private byte[] metadata() throws IOException {
    GgufSection section = source.metadataSection();
    byte[] bytes = new byte[Math.toIntExact(section.lengthBytes())];
    PackFormat.readFully(
        in, source.path().toString(), ByteBuffer.wrap(bytes), section.offsetBytes());
    return bytes;
  }

  private byte[] vectors() {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(index.common().lengthBytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (PackVector vector : index.vectors()) {
      if (vector.type() != GgmlType.F32) {
        throw new PackException(
            vector.name() + " is " + vector.type() + ", but only F32 can be made up");
      }
    }
    while (bytes.hasRemaining()) {
      bytes.putFloat(1);
    }
    return bytes.array();
  }

  private int writeSection(PackSection section, byte[] bytes) throws IOException {
    PackBodyWriter.writeFully(out, bytes, bodyOffsetBytes + section.offsetBytes());
    return PackFormat.crc32c(bytes, bytes.length);
  }

  private int writePiece(SyntheticWeights weights, long bodyOffset, long lengthBytes)
      throws IOException {
    CRC32C crc = new CRC32C();
    long start = bodyOffsetBytes + bodyOffset;
    boolean wanted = isWanted(start);
    weights.fill(
        lengthBytes,
        new SyntheticWeights.Sink() {
          private long position = start;

          @Override
          public void accept(ByteBuffer bytes) throws IOException {
            crc.update(bytes.duplicate());
            if (wanted) {
              int length = bytes.remaining();
              PackBodyWriter.writeFully(out, bytes, position);
              position += length;
            }
          }
        });
    return (int) crc.getValue();
  }

  /** Whether a run has the piece that starts there; asked in ascending order. */
  private boolean isWanted(long offsetBytes) {
    while (run < runs.size() && runs.get(run).endBytes() <= offsetBytes) {
      run++;
    }
    return run < runs.size() && runs.get(run).offsetBytes() <= offsetBytes;
  }
}
