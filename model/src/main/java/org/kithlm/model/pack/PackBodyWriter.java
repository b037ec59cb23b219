package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufSection;
import org.kithlm.model.gguf.GgufTensor;

/** Copies metadata, vectors and matrices into the body of a pack and computes their checks. */
final class PackBodyWriter {
  private static final int BUFFER_BYTES = 4 << 20;

  private final GgufFile source;
  private final FileChannel in;
  private final FileChannel out;
  private final long bodyOffsetBytes;
  private final PackIndex index;
  private final ProgressListener listener;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private byte[] panel = new byte[0];
  private long doneBytes;

  PackBodyWriter(
      GgufFile source,
      FileChannel in,
      FileChannel out,
      long bodyOffsetBytes,
      PackIndex index,
      ProgressListener listener) {
    this.source = source;
    this.in = in;
    this.out = out;
    this.bodyOffsetBytes = bodyOffsetBytes;
    this.index = index;
    this.listener = listener;
  }

  /** Writes the body; returns the index with all checks. */
  PackIndex write() throws IOException {
    GgufSection metadata = source.metadataSection();
    CRC32C metadataCrc = new CRC32C();
    copy(
        metadata.offsetBytes(),
        index.metadata().offsetBytes(),
        metadata.lengthBytes(),
        metadataCrc);
    CRC32C commonCrc = new CRC32C();
    for (PackVector vector : index.vectors()) {
      GgufTensor tensor = tensor(vector.name());
      copy(
          tensor.offsetBytes(),
          index.common().offsetBytes() + vector.offsetBytes(),
          tensor.lengthBytes(),
          commonCrc);
    }
    List<PackTensor> checked = new ArrayList<>();
    for (PackTensor tensor : index.tensors()) {
      checked.add(tensor.withChecks(tensor.cutByColumn() ? copyPanels(tensor) : copyRows(tensor)));
    }
    advance(index.bodyBytes() - doneBytes); // padding
    return index.withChecks((int) metadataCrc.getValue(), (int) commonCrc.getValue(), checked);
  }

  /** Pieces of rows follow one another as in the source. */
  private int[] copyRows(PackTensor tensor) throws IOException {
    long sourceOffset = tensor(tensor.name()).offsetBytes();
    int[] checks = new int[tensor.pieceCount()];
    for (int piece = 0; piece < checks.length; piece++) {
      CRC32C crc = new CRC32C();
      long pieceOffset = tensor.pieceOffsetBytes(piece);
      copy(
          sourceOffset + pieceOffset - tensor.offsetBytes(),
          pieceOffset,
          tensor.pieceBytes(piece),
          crc);
      checks[piece] = (int) crc.getValue();
    }
    return checks;
  }

  /** Reads a batch of whole rows, and appends to each panel its columns of them. */
  private int[] copyPanels(PackTensor tensor) throws IOException {
    long sourceOffset = tensor(tensor.name()).offsetBytes();
    int rowBytes = Math.toIntExact(tensor.type().bytes(tensor.columns()));
    int batchRows = Math.clamp(BUFFER_BYTES / rowBytes, 1, tensor.rows());
    byte[] batch = rowBytes <= BUFFER_BYTES ? buffer : new byte[rowBytes];
    CRC32C[] crcs = new CRC32C[tensor.pieceCount()];
    for (int piece = 0; piece < crcs.length; piece++) {
      crcs[piece] = new CRC32C();
    }
    for (int row = 0; row < tensor.rows(); row += batchRows) {
      int rows = Math.min(batchRows, tensor.rows() - row);
      read(batch, rows * rowBytes, sourceOffset + (long) row * rowBytes);
      int columnOffset = 0;
      for (int piece = 0; piece < crcs.length; piece++) {
        int panelRowBytes = Math.toIntExact(tensor.type().bytes(tensor.columnsOf(piece)));
        int lengthBytes = gather(batch, rows, rowBytes, columnOffset, panelRowBytes);
        crcs[piece].update(panel, 0, lengthBytes);
        long offset = tensor.pieceOffsetBytes(piece) + (long) row * panelRowBytes;
        writeFully(out, ByteBuffer.wrap(panel, 0, lengthBytes), bodyOffsetBytes + offset);
        columnOffset += panelRowBytes;
      }
      advance((long) rows * rowBytes);
    }
    int[] checks = new int[crcs.length];
    for (int piece = 0; piece < checks.length; piece++) {
      checks[piece] = (int) crcs[piece].getValue();
    }
    return checks;
  }

  /** Copies a panel's bytes of each row into {@link #panel}; returns how many there are. */
  private int gather(byte[] batch, int rows, int rowBytes, int columnOffset, int panelRowBytes) {
    int lengthBytes = rows * panelRowBytes;
    if (panel.length < lengthBytes) {
      panel = new byte[lengthBytes];
    }
    for (int row = 0; row < rows; row++) {
      System.arraycopy(
          batch, row * rowBytes + columnOffset, panel, row * panelRowBytes, panelRowBytes);
    }
    return lengthBytes;
  }

  private void copy(long sourceOffset, long bodyOffset, long lengthBytes, CRC32C crc)
      throws IOException {
    for (long done = 0; done < lengthBytes; ) {
      int length = (int) Math.min(buffer.length, lengthBytes - done);
      read(buffer, length, sourceOffset + done);
      crc.update(buffer, 0, length);
      writeFully(out, ByteBuffer.wrap(buffer, 0, length), bodyOffsetBytes + bodyOffset + done);
      done += length;
      advance(length);
    }
  }

  private void read(byte[] target, int length, long offsetBytes) throws IOException {
    PackFormat.readFully(
        in, source.path().toString(), ByteBuffer.wrap(target, 0, length), offsetBytes);
  }

  private void advance(long lengthBytes) {
    doneBytes += lengthBytes;
    listener.progress(doneBytes, index.bodyBytes());
  }

  private GgufTensor tensor(String name) {
    GgufTensor tensor = source.tensors().get(name);
    if (tensor == null) {
      throw new AssertionError(name + " is in the layout but not in the source");
    }
    return tensor;
  }

  static void writeFully(FileChannel out, byte[] bytes, long offsetBytes) throws IOException {
    writeFully(out, ByteBuffer.wrap(bytes), offsetBytes);
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes, long offsetBytes)
      throws IOException {
    long position = offsetBytes;
    while (bytes.hasRemaining()) {
      position += out.write(bytes, position);
    }
  }
}
