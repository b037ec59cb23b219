package org.kithlm.transport.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.kithlm.transport.PeerAddress;

/** A star as other systems have it: blocking TCP sockets, the whole vector at a time. */
final class TcpStar implements Contender {
  private final boolean isRoot;
  private final List<Socket> sockets = new ArrayList<>(); // of the root: by rank, from 1
  private final List<DataInputStream> inputs = new ArrayList<>();
  private final List<OutputStream> outputs = new ArrayList<>();
  private byte[] bytes = new byte[0];
  private float[] received = new float[0];

  TcpStar(int rank, List<PeerAddress> peers) {
    isRoot = rank == 0;
    try {
      if (isRoot) {
        accept(peers);
      } else {
        Socket socket = TcpConnect.to(peers.getFirst());
        socket.getOutputStream().write(rank);
        sockets.add(socket);
      }
      for (Socket socket : sockets) {
        socket.setTcpNoDelay(true);
        inputs.add(new DataInputStream(socket.getInputStream()));
        outputs.add(socket.getOutputStream());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("no TCP star at " + peers, e);
    }
  }

  @Override
  public void begin(int length) {
    bytes = new byte[length * Float.BYTES];
    received = new float[length];
  }

  @Override
  public void round(float[] values, int length) {
    try {
      if (isRoot) {
        for (DataInputStream input : inputs) {
          read(input, received);
          for (int i = 0; i < length; i++) {
            values[i] += received[i];
          }
        }
        for (OutputStream output : outputs) {
          write(output, values, length);
        }
      } else {
        write(outputs.getFirst(), values, length);
        read(inputs.getFirst(), values);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read(DataInputStream input, float[] target) throws IOException {
    input.readFully(bytes);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(target, 0, bytes.length / Float.BYTES);
  }

  private void write(OutputStream output, float[] values, int length) throws IOException {
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values, 0, length);
    output.write(bytes);
  }

  private void accept(List<PeerAddress> peers) throws IOException {
    PeerAddress own = peers.getFirst();
    Socket[] byRank = new Socket[peers.size()];
    try (ServerSocket server = TcpConnect.listen(own, peers.size())) {
      for (int i = 1; i < peers.size(); i++) {
        Socket socket = server.accept();
        byRank[socket.getInputStream().read()] = socket;
      }
    }
    sockets.addAll(Arrays.asList(byRank).subList(1, byRank.length));
  }

  @Override
  public void close() {
    for (Socket socket : sockets) {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
