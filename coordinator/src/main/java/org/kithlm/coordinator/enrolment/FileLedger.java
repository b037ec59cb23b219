package org.kithlm.coordinator.enrolment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.kithlm.node.security.OwnerOnlyFile;

/**
 * A list in a JSON file that only its owner can read. {@code kith up} and the commands that manage
 * tokens and nodes change it; a lock file beside it keeps them apart. Thread-safe.
 */
final class FileLedger<T> implements Ledger<T> {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Path file;
  private final JavaType type;

  FileLedger(Path file, Class<T> entry) {
    this.file = file;
    this.type = MAPPER.getTypeFactory().constructCollectionType(List.class, entry);
  }

  @Override
  public List<T> read() throws IOException {
    if (!Files.exists(file)) {
      return List.of();
    }
    try {
      return MAPPER.readValue(Files.readAllBytes(file), type);
    } catch (JsonProcessingException e) {
      throw new IOException(file + " is damaged; remove it, all nodes must join again then", e);
    }
  }

  @Override
  @SuppressWarnings("try") // the lock is only held
  public synchronized <E extends Exception> void update(Change<T, E> change) throws IOException, E {
    try (LockFile lock = LockFile.of(file)) {
      OwnerOnlyFile.write(file, MAPPER.writeValueAsBytes(change.apply(read())));
    }
  }
}
