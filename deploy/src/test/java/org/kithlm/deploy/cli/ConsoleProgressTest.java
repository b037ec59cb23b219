package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.catalog.Progress;

class ConsoleProgressTest {
  private final StringWriter text = new StringWriter();

  private List<String> report(Progress progress) {
    progress.begin("downloading", 1500, 4000);
    for (long doneBytes = 1501; doneBytes <= 4000; doneBytes++) {
      progress.advance(doneBytes);
    }
    progress.notice("something");
    progress.begin("packing", 0, -1);
    progress.advance(7);
    progress.end();
    return text.toString().lines().toList();
  }

  @Test
  void shouldPrintALinePerTenthWhereThereIsNoTerminal() {
    assertEquals(
        List.of(
            "downloading 4.0 kB, 1.5 kB are here already",
            "downloading 40 %",
            "downloading 50 %",
            "downloading 60 %",
            "downloading 70 %",
            "downloading 80 %",
            "downloading 90 %",
            "downloading 100 %",
            "kith: something",
            "packing"),
        report(ConsoleProgress.lines(new PrintWriter(text))));
  }

  @Test
  void shouldOnlyPrintNoticesForPrograms() {
    assertEquals(
        List.of("kith: something"), report(ConsoleProgress.create(new PrintWriter(text), true)));
  }
}
