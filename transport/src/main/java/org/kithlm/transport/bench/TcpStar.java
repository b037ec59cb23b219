package org.kithlm.transport.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.kithlm.transport.PeerAddress;

/** A star as other systems have it: blocking TCP sockets, the whole vector at a time. */
final class TcpStar implements Contender {
  private static final long CONNECT_NS = TimeUnit.SECONDS.toNanos(60);

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
        Socket socket = connect(peers.getFirst());
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
    try (ServerSocket server =
        new ServerSocket(own.port(), peers.size(), InetAddress.getByName(own.host()))) {
      server.setSoTimeout((int) TimeUnit.NANOSECONDS.toMillis(CONNECT_NS));
      for (int i = 1; i < peers.size(); i++) {
        Socket socket = server.accept();
        byRank[socket.getInputStream().read()] = socket;
      }
    }
    sockets.addAll(Arrays.asList(byRank).subList(1, byRank.length));
  }

  private static Socket connect(PeerAddress root) throws IOException {
    long startNs = System.nanoTime();
    while (true) {
      Socket socket = new Socket();
      try {
        socket.connect(new InetSocketAddress(root.host(), root.port()));
        return socket;
      } catch (ConnectException e) {
        socket.close();
        if (System.nanoTime() - startNs > CONNECT_NS) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20)); // the root is not there yet
      }
    }
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
