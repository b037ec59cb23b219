package org.kithlm.deploy.catalog;

import java.util.ArrayList;
import java.util.List;

/** Remembers what it was told. */
final class RecordingProgress implements Progress {
  final List<String> phases = new ArrayList<>();
  final List<String> notices = new ArrayList<>();
  long doneBytes;

  @Override
  public void begin(String what, long newDoneBytes, long totalBytes) {
    phases.add(what + " " + newDoneBytes + "/" + totalBytes);
    doneBytes = newDoneBytes;
  }

  @Override
  public void advance(long newDoneBytes) {
    doneBytes = newDoneBytes;
  }

  @Override
  public void end() {}

  @Override
  public void notice(String line) {
    notices.add(line);
  }
}
