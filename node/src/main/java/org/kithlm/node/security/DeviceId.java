package org.kithlm.node.security;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Tells devices apart: by the system's machine id, where there is none by the host's name. */
public final class DeviceId {
  private static final List<Path> MACHINE_IDS =
      List.of(Path.of("/etc/machine-id"), Path.of("/var/lib/dbus/machine-id"));

  private DeviceId() {}

  /** Of this device, hashed; the same at each start. */
  public static String current() throws IOException {
    for (Path id : MACHINE_IDS) {
      if (Files.isReadable(id)) {
        return Certificates.sha256("kith device " + Files.readString(id).strip());
      }
    }
    return Certificates.sha256("kith host " + InetAddress.getLocalHost().getHostName());
  }
}
