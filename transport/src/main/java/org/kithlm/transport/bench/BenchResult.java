package org.kithlm.transport.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * What rank 0 measured.
 *
 * @param ranks of the run
 * @param rounds that count, of each row
 * @param choices what {@code auto} measured of the links and picks, a line for each such contender
 * @param rows by payload, then by contender in the order asked for
 */
public record BenchResult(int ranks, int rounds, List<String> choices, List<Row> rows) {
  /**
   * One contender at one payload.
   *
   * @param cpuUs CPU time of the thread of rank 0 for each round
   */
  public record Row(
      int payloadBytes,
      String contender,
      double p50Us,
      double p99Us,
      double p999Us,
      double cpuUs) {}

  /** Copies the lists. */
  public BenchResult {
    choices = List.copyOf(choices);
    rows = List.copyOf(rows);
  }

  /** As a table. */
  public void print(PrintWriter out) {
    out.printf("%d ranks, %d rounds each%n", ranks, rounds);
    choices.forEach(out::println);
    out.println("    bytes contender         p50_us    p99_us  p99.9_us  cpu_us");
    for (Row row : rows) {
      out.printf(
          Locale.ROOT,
          "%9d %-15s %8.1f %9.1f %9.1f %7.1f%n",
          row.payloadBytes(),
          row.contender(),
          row.p50Us(),
          row.p99Us(),
          row.p999Us(),
          row.cpuUs());
    }
    out.flush();
  }
}
