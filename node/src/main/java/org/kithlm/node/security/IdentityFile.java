package org.kithlm.node.security;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Optional;

/** Where a device keeps its identity in a cluster, so that it needs a token only once. */
public final class IdentityFile {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Path file;

  /**
   * What is kept.
   *
   * @param identity the device's
   * @param joinHost where the coordinator takes in nodes
   * @param joinPort its TCP port
   * @param tokenHash SHA-256 of the join token that it was got with
   */
  public record Kept(Identity identity, String joinHost, int joinPort, String tokenHash) {}

  /** The same as text; device is what it is bound to, key and certificates are Base64. */
  private record Fields(
      String device,
      String joinHost,
      int joinPort,
      String tokenHash,
      String key,
      String certificate,
      String root) {}

  /** A file, which need not exist yet. */
  public IdentityFile(Path file) {
    this.file = file;
  }

  /**
   * What is kept, if anything.
   *
   * @throws RefusedException if it was made on another device: this one gets an identity of its own
   * @throws IOException if it is damaged
   */
  public Optional<Kept> read() throws IOException, RefusedException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      Fields fields = MAPPER.readValue(Files.readAllBytes(file), Fields.class);
      if (!fields.device().equals(DeviceId.current())) {
        throw new RefusedException(
            "the identity in "
                + file
                + " was made on another device; get a new one with kith join TOKEN (see kith token"
                + " create there)");
      }
      Base64.Decoder base64 = Base64.getDecoder();
      return Optional.of(
          new Kept(
              new Identity(
                  Keys.parsePrivate(base64.decode(fields.key())),
                  Certificates.parse(base64.decode(fields.certificate())),
                  Certificates.parse(base64.decode(fields.root()))),
              fields.joinHost(),
              fields.joinPort(),
              fields.tokenHash()));
    } catch (JsonProcessingException | GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(file + " is damaged; remove it and join again with kith join TOKEN", e);
    }
  }

  /** Keeps an identity for this device, in place of the one before. */
  public void write(Kept kept) throws IOException {
    Base64.Encoder base64 = Base64.getEncoder();
    try {
      OwnerOnlyFile.write(
          file,
          MAPPER.writeValueAsBytes(
              new Fields(
                  DeviceId.current(),
                  kept.joinHost(),
                  kept.joinPort(),
                  kept.tokenHash(),
                  base64.encodeToString(kept.identity().key().getEncoded()),
                  base64.encodeToString(kept.identity().certificate().getEncoded()),
                  base64.encodeToString(kept.identity().root().getEncoded()))));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a certificate that was read can be written", e);
    }
  }
}
