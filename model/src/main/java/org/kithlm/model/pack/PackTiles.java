package org.kithlm.model.pack;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;
import org.kithlm.model.weight.Tile.PieceCheck;

/** Cuts a rank's slices of all matrices into tiles. */
final class PackTiles {
  /** Large enough for a disk to stream, small enough that a ring of 64 MiB holds many. */
  private static final int TILE_BYTES = 2 << 20;

  private final PackIndex index;
  private final long bodyOffsetBytes;
  private final Map<String, PackTensor> tensors;

  PackTiles(PackIndex index, long bodyOffsetBytes) {
    this.index = index;
    this.bodyOffsetBytes = bodyOffsetBytes;
    tensors = index.tensorsByName();
  }

  PackTensor tensor(String name) {
    PackTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new PackException("the index of the pack has no tensor " + name);
    }
    return tensor;
  }

  /** The tiles of a shard, numbered in execution order. */
  List<Tile> of(RankShard shard) {
    List<Tile> tiles = new ArrayList<>();
    ModelConfig config = index.config();
    for (int layer = 0; layer < config.layerCount(); layer++) {
      for (TensorRole role : TensorRole.values()) {
        if (role != TensorRole.LM_HEAD) {
          addMatrix(tiles, shard, role, layer);
        }
      }
    }
    addMatrix(tiles, shard, TensorRole.LM_HEAD, config.layerCount());
    return List.copyOf(tiles);
  }

  List<PackRun> runs(RankShard shard) {
    List<PackRun> runs = new ArrayList<>();
    runs.add(new PackRun(0, bodyOffsetBytes));
    addRun(runs, index.common().offsetBytes(), index.common().lengthBytes());
    if (shard.rank() == 0) {
      addRun(runs, index.metadata().offsetBytes(), index.metadata().lengthBytes());
      PackTensor embedding = tensor(ModelTensors.TOKEN_EMBEDDING);
      addRun(runs, embedding.offsetBytes(), embedding.lengthBytes());
    }
    for (Tile tile : of(shard)) {
      runs.add(new PackRun(tile.offsetBytes(), tile.lengthBytes()));
    }
    return merge(runs);
  }

  private void addRun(List<PackRun> runs, long bodyOffset, long lengthBytes) {
    runs.add(new PackRun(bodyOffsetBytes + bodyOffset, lengthBytes));
  }

  /** Runs that overlap, touch or lie less than one alignment unit apart become one. */
  private static List<PackRun> merge(List<PackRun> runs) {
    runs.sort(Comparator.comparingLong(PackRun::offsetBytes));
    List<PackRun> merged = new ArrayList<>();
    PackRun last = runs.getFirst();
    for (PackRun run : runs) {
      if (run.offsetBytes() - last.endBytes() < PackFormat.ALIGNMENT_BYTES) {
        long endBytes = Math.max(last.endBytes(), run.endBytes());
        last = new PackRun(last.offsetBytes(), endBytes - last.offsetBytes());
      } else {
        merged.add(last);
        last = run;
      }
    }
    merged.add(last);
    return List.copyOf(merged);
  }

  private void addMatrix(List<Tile> tiles, RankShard shard, TensorRole role, int layer) {
    PackTensor tensor = tensor(ModelTensors.matrix(index.config(), role, layer));
    int headDim = index.config().headDim();
    int first =
        switch (role) {
          case ATTN_Q, ATTN_OUTPUT -> shard.firstHead() * headDim;
          case ATTN_K, ATTN_V -> shard.firstKvHead() * headDim;
          case FFN_GATE, FFN_UP, FFN_DOWN -> shard.firstFfnColumn();
          case LM_HEAD -> shard.firstLogit();
        };
    int count =
        switch (role) {
          case ATTN_Q, ATTN_OUTPUT -> shard.headCount() * headDim;
          case ATTN_K, ATTN_V -> shard.kvHeadCount() * headDim;
          case FFN_GATE, FFN_UP, FFN_DOWN -> shard.ffnColumnCount();
          case LM_HEAD -> shard.logitCount();
        };
    if (count == 0) {
      return;
    }
    boolean byColumn = role.split() == TensorRole.Split.COLUMNS;
    int total = byColumn ? tensor.columns() : tensor.rows();
    int pieceLength = byColumn ? tensor.pieceColumns() : tensor.pieceRows();
    int end = first + count;
    if (first < 0
        || count < 0
        || end > total
        || first % pieceLength != 0
        || (end % pieceLength != 0 && end != total)) {
      throw new IllegalArgumentException(
          shard
              + " does not consist of whole pieces of "
              + tensor.name()
              + " ("
              + pieceLength
              + " of "
              + total
              + ")");
    }
    int endPiece = Math.ceilDiv(end, pieceLength);
    for (int piece = first / pieceLength; piece < endPiece; ) {
      int nextPiece = endOfTile(tensor, piece, endPiece);
      tiles.add(tile(tiles.size(), role, layer, tensor, piece, nextPiece));
      piece = nextPiece;
    }
  }

  /**
   * As many pieces as fill a tile, at least one. A shorter panel has a tile of its own, and a piece
   * whose last row group is padded ends its tile.
   */
  private static int endOfTile(PackTensor tensor, int firstPiece, int endPiece) {
    long lengthBytes = tensor.pieceBytes(firstPiece);
    int piece = firstPiece + 1;
    while (piece < endPiece
        && lengthBytes + tensor.pieceBytes(piece) <= TILE_BYTES
        && tensor.columnsOf(piece) == tensor.columnsOf(firstPiece)
        && (tensor.cutByColumn() || tensor.rowsOf(piece - 1) % RowGroups.ROWS == 0)) {
      lengthBytes += tensor.pieceBytes(piece);
      piece++;
    }
    return piece;
  }

  private Tile tile(
      int tileIndex, TensorRole role, int layer, PackTensor tensor, int firstPiece, int endPiece) {
    int rows = 0;
    int columns = 0;
    int lengthBytes = 0;
    List<PieceCheck> checks = new ArrayList<>();
    for (int piece = firstPiece; piece < endPiece; piece++) {
      int pieceBytes = (int) tensor.pieceBytes(piece);
      checks.add(new PieceCheck(pieceBytes, tensor.crc32c(piece)));
      rows += tensor.rowsOf(piece);
      columns += tensor.columnsOf(piece);
      lengthBytes += pieceBytes;
    }
    boolean byColumn = role.split() == TensorRole.Split.COLUMNS;
    return new Tile(
        tileIndex,
        role,
        layer,
        tensor.type(),
        byColumn ? 0 : firstPiece * tensor.pieceRows(),
        byColumn ? tensor.rows() : rows,
        byColumn ? firstPiece * tensor.pieceColumns() : 0,
        byColumn ? columns : tensor.columns(),
        tensor.columnsOf(firstPiece),
        bodyOffsetBytes + tensor.pieceOffsetBytes(firstPiece),
        lengthBytes,
        checks);
  }
}
