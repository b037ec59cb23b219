package org.kithlm.memory;

import org.jspecify.annotations.Nullable;

/** A tile that cannot be read or whose checksum is wrong; the message names file and tile. */
public final class TileReadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int tile;

  /** A message with the file, the tile, the offset and what was expected and found. */
  public TileReadException(int tile, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.tile = tile;
  }

  /** Index of the tile. */
  public int tile() {
    return tile;
  }
}
