package org.kithlm.transport.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.kithlm.transport.PeerAddress;

/**
 * A ring over blocking TCP: with N ranks each sends 2 (N - 1) slices to the next, first to add them
 * up, then to hand the sums round. The form that moves the fewest bytes, in the most hops.
 */
final class TcpRing implements Contender {
  // All send before they receive, so what is on its way must fit the smallest socket buffers.
  private static final int PIECE_FLOATS = 2048;

  private final int rank;
  private final int worldSize;
  private final Socket next;
  private final Socket previous;
  private final OutputStream output;
  private final DataInputStream input;
  private final ByteBuffer piece =
      ByteBuffer.allocate(PIECE_FLOATS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  TcpRing(int rank, List<PeerAddress> peers) {
    this.rank = rank;
    worldSize = peers.size();
    try (ServerSocket server = TcpConnect.listen(peers.get(rank), 1)) {
      next = TcpConnect.to(peers.get((rank + 1) % worldSize));
      previous = server.accept();
      next.setTcpNoDelay(true);
      output = next.getOutputStream();
      input = new DataInputStream(previous.getInputStream());
    } catch (IOException e) {
      throw new UncheckedIOException("no TCP ring at " + peers, e);
    }
  }

  @Override
  public void begin(int length) {}

  @Override
  public void round(float[] values, int length) {
    try {
      for (int hop = 0; hop < 2 * (worldSize - 1); hop++) {
        boolean adds = hop < worldSize - 1;
        int sent = Math.floorMod(rank - hop, worldSize);
        pass(values, length, sent, Math.floorMod(sent - 1, worldSize), adds);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends one slice and takes another, piece by piece. */
  private void pass(float[] values, int length, int sent, int taken, boolean adds)
      throws IOException {
    int from = start(length, sent);
    int fromEnd = start(length, sent + 1);
    int to = start(length, taken);
    int toEnd = start(length, taken + 1);
    while (from < fromEnd || to < toEnd) {
      int out = Math.min(PIECE_FLOATS, fromEnd - from);
      piece.clear().asFloatBuffer().put(values, from, out);
      output.write(piece.array(), 0, out * Float.BYTES);
      from += out;
      int in = Math.min(PIECE_FLOATS, toEnd - to);
      input.readFully(piece.array(), 0, in * Float.BYTES);
      for (int i = 0; i < in; i++) {
        float received = piece.getFloat(i * Float.BYTES);
        values[to + i] = adds ? values[to + i] + received : received;
      }
      to += in;
    }
  }

  private int start(int length, int slice) {
    return (int) ((long) length * slice / worldSize);
  }

  @Override
  public void close() {
    try {
      next.close();
      previous.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
