package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufSection;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.weight.RowGroups;

/** Copies metadata and vectors and interleaves matrices into the body of a pack, with checks. */
final class PackBodyWriter {
  private static final int BUFFER_BYTES = 4 << 20;

  private final GgufFile source;
  private final FileChannel in;
  private final FileChannel out;
  private final long bodyOffsetBytes;
  private final PackIndex index;
  private final ProgressListener listener;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private byte[] batch = new byte[0];
  private byte[] groups = new byte[0];
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
      checked.add(
          tensor.withChecks(tensor.cutByColumn() ? writePanels(tensor) : writeRows(tensor)));
    }
    advance(index.bodyBytes() - doneBytes); // padding
    return index.withChecks((int) metadataCrc.getValue(), (int) commonCrc.getValue(), checked);
  }

  /** Pieces of rows follow one another as in the source. */
  private int[] writeRows(PackTensor tensor) throws IOException {
    long sourceOffset = tensor(tensor.name()).offsetBytes();
    int rowBytes = Math.toIntExact(tensor.type().bytes(tensor.columns()));
    int[] checks = new int[tensor.pieceCount()];
    for (int piece = 0; piece < checks.length; piece++) {
      CRC32C crc = new CRC32C();
      int pieceRows = tensor.rowsOf(piece);
      long offset = tensor.pieceOffsetBytes(piece);
      for (int row = 0; row < pieceRows; row += batchRows(rowBytes)) {
        int rows = Math.min(batchRows(rowBytes), pieceRows - row);
        readRows(rows, rowBytes, sourceOffset);
        sourceOffset += (long) rows * rowBytes;
        offset += writeGroups(tensor.type(), rows, rowBytes, 0, rowBytes, offset, crc);
      }
      checks[piece] = (int) crc.getValue();
    }
    return checks;
  }

  /** Reads a batch of whole rows, and appends to each panel its columns of them. */
  private int[] writePanels(PackTensor tensor) throws IOException {
    long sourceOffset = tensor(tensor.name()).offsetBytes();
    int rowBytes = Math.toIntExact(tensor.type().bytes(tensor.columns()));
    CRC32C[] crcs = new CRC32C[tensor.pieceCount()];
    long[] offsets = new long[crcs.length];
    for (int piece = 0; piece < crcs.length; piece++) {
      crcs[piece] = new CRC32C();
      offsets[piece] = tensor.pieceOffsetBytes(piece);
    }
    for (int row = 0; row < tensor.rows(); row += batchRows(rowBytes)) {
      int rows = Math.min(batchRows(rowBytes), tensor.rows() - row);
      readRows(rows, rowBytes, sourceOffset + (long) row * rowBytes);
      int columnOffset = 0;
      for (int piece = 0; piece < crcs.length; piece++) {
        int panelRowBytes = Math.toIntExact(tensor.type().bytes(tensor.columnsOf(piece)));
        offsets[piece] +=
            writeGroups(
                tensor.type(),
                rows,
                rowBytes,
                columnOffset,
                panelRowBytes,
                offsets[piece],
                crcs[piece]);
        columnOffset += panelRowBytes;
      }
    }
    return Arrays.stream(crcs).mapToInt(crc -> (int) crc.getValue()).toArray();
  }

  /** Rows that are read at a time, whole groups. */
  private static int batchRows(int rowBytes) {
    return Math.max(1, BUFFER_BYTES / (RowGroups.ROWS * rowBytes)) * RowGroups.ROWS;
  }

  private void readRows(int rows, int rowBytes, long offsetBytes) throws IOException {
    int lengthBytes = Math.multiplyExact(rows, rowBytes);
    if (batch.length < lengthBytes) {
      batch = new byte[lengthBytes];
    }
    read(batch, lengthBytes, offsetBytes);
  }

  /** Interleaves some columns of the batch and writes them; returns how many bytes they are. */
  private int writeGroups(
      GgmlType type,
      int rows,
      int rowBytes,
      int columnOffset,
      int panelRowBytes,
      long bodyOffset,
      CRC32C crc)
      throws IOException {
    int lengthBytes = RowGroups.padded(rows) * panelRowBytes;
    if (groups.length < lengthBytes) {
      groups = new byte[lengthBytes];
    }
    for (int row = 0; row < rows; row += RowGroups.ROWS) {
      RowGroups.of(type)
          .interleave(
              batch,
              row * rowBytes + columnOffset,
              rowBytes,
              Math.min(RowGroups.ROWS, rows - row),
              panelRowBytes,
              groups,
              row * panelRowBytes);
    }
    crc.update(groups, 0, lengthBytes);
    writeFully(out, ByteBuffer.wrap(groups, 0, lengthBytes), bodyOffsetBytes + bodyOffset);
    advance(lengthBytes);
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

  static void writeFully(FileChannel out, ByteBuffer bytes, long offsetBytes) throws IOException {
    long position = offsetBytes;
    while (bytes.hasRemaining()) {
      position += out.write(bytes, position);
    }
  }
}
