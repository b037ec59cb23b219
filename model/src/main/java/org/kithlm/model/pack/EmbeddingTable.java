package org.kithlm.model.pack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.BitSet;
import org.kithlm.model.weight.RowGroups;

/**
 * Reads rows of the embedding matrix from disk, so that it need not be resident. The piece (about
 * 256 KiB) around a row is read and checked the first time one of its rows is wanted, later only
 * the row's group of {@value RowGroups#ROWS} is: each byte is checked once, at the cost of some 0.1
 * ms per new piece. Used by the root's compute thread only.
 */
public final class EmbeddingTable {
  private final FileChannel channel;
  private final String packName;
  private final PackTensor tensor;
  private final long bodyOffsetBytes;
  private final EmbeddingRows rows;
  private final BitSet checkedPieces = new BitSet();
  private final byte[] groupBuffer;
  private final byte[] rowBuffer;
  private final byte[] pieceBuffer;

  EmbeddingTable(
      FileChannel channel,
      String packName,
      PackTensor tensor,
      long bodyOffsetBytes,
      EmbeddingRows rows) {
    this.channel = channel;
    this.packName = packName;
    this.tensor = tensor;
    this.bodyOffsetBytes = bodyOffsetBytes;
    this.rows = rows;
    groupBuffer = new byte[Math.toIntExact(RowGroups.ROWS * tensor.type().bytes(tensor.columns()))];
    rowBuffer = new byte[Math.toIntExact(tensor.type().bytes(tensor.columns()))];
    pieceBuffer = new byte[Math.toIntExact(tensor.pieceBytes(0))];
  }

  /**
   * Writes the embedding of a token, packed, to {@code out[outOffset, outOffset + wordsPerRow)}.
   *
   * @param out what {@link EmbeddingRows#expand} takes
   * @throws IllegalArgumentException if there is no such token
   * @throws PackException if the pack is damaged there
   * @throws UncheckedIOException if it cannot be read
   */
  public void row(int tokenId, float[] out, int outOffset) {
    if (tokenId < 0 || tokenId >= tensor.rows()) {
      throw new IllegalArgumentException(
          "tokenId=" + tokenId + " is not in the vocabulary of " + tensor.rows());
    }
    int piece = tokenId / tensor.pieceRows();
    try {
      if (!checkedPieces.get(piece)) {
        check(piece);
        checkedPieces.set(piece);
      }
      long group = tokenId / RowGroups.ROWS; // pieces are whole groups
      read(groupBuffer, groupBuffer.length, tensor.offsetBytes() + group * groupBuffer.length);
    } catch (IOException e) {
      throw new UncheckedIOException(packName + ": cannot read embedding of token " + tokenId, e);
    }
    RowGroups.of(tensor.type())
        .extract(groupBuffer, tokenId % RowGroups.ROWS, rowBuffer.length, rowBuffer);
    rows.pack(rowBuffer, out, outOffset);
  }

  private void check(int piece) throws IOException {
    int lengthBytes = (int) tensor.pieceBytes(piece);
    read(pieceBuffer, lengthBytes, tensor.pieceOffsetBytes(piece));
    if (PackFormat.crc32c(pieceBuffer, lengthBytes) != tensor.crc32c(piece)) {
      throw new PackException(
          packName + ": " + tensor.name() + " piece " + piece + " is damaged; make the pack again");
    }
  }

  private void read(byte[] target, int length, long bodyOffset) throws IOException {
    PackFormat.readFully(
        channel, packName, ByteBuffer.wrap(target, 0, length), bodyOffsetBytes + bodyOffset);
  }
}
