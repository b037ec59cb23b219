package org.kithlm.deploy.bench;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Tokens per second over memory as an SVG: as measured, and as disk and computing allow. */
public final class MemoryPlot {
  private static final int WIDTH = 640;
  private static final int HEIGHT = 400;
  private static final int MARGIN = 56;
  private static final int LINES = 4;

  private final List<MemoryRun> runs;
  private final double unlimited;
  private final double memoryMax;
  private final double speedMax;

  private MemoryPlot(List<MemoryRun> runs, double unlimited) {
    this.runs = runs;
    this.unlimited = unlimited;
    memoryMax = runs.stream().mapToDouble(MemoryPlot::mebibytes).max().orElse(1) * 1.05;
    speedMax =
        1.1
            * runs.stream()
                .mapToDouble(run -> Math.max(run.tokensPerSecond(), ideal(run)))
                .max()
                .orElse(1);
  }

  /**
   * Draws runs.
   *
   * @param runs with a budget, by growing memory
   * @param unlimitedTokensPerSecond with all weights in memory
   */
  public static String svg(String title, List<MemoryRun> runs, double unlimitedTokensPerSecond) {
    return new MemoryPlot(runs, unlimitedTokensPerSecond).draw(title);
  }

  private String draw(String title) {
    StringBuilder svg = new StringBuilder();
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif'"
                + " font-size='12'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH,
            HEIGHT));
    text(svg, WIDTH / 2.0, 24, "middle", escaped(title));
    for (int i = 0; i <= LINES; i++) {
      double speed = speedMax * i / LINES;
      double memory = memoryMax * i / LINES;
      svg.append(
          String.format(
              Locale.ROOT,
              "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#ddd'/>\n",
              MARGIN,
              WIDTH - MARGIN,
              y(speed),
              y(speed)));
      text(svg, MARGIN - 6, y(speed) + 4, "end", String.format(Locale.ROOT, "%.1f", speed));
      text(
          svg,
          x(memory),
          HEIGHT - MARGIN + 18,
          "middle",
          String.format(Locale.ROOT, "%.0f", memory));
    }
    text(svg, WIDTH / 2.0, HEIGHT - 12, "middle", "memory of each process, MiB");
    text(svg, MARGIN, 40, "middle", "tokens/s");
    curve(svg, this::ideal, "#999", "6 4");
    curve(svg, MemoryRun::tokensPerSecond, "#06c", "none");
    text(svg, WIDTH - MARGIN, 40, "end", "line: measured, dashed: min(disk, computing)");
    return svg.append("</svg>\n").toString();
  }

  private void curve(
      StringBuilder svg, ToDoubleFunction<MemoryRun> speed, String colour, String dashes) {
    svg.append("<polyline fill='none' stroke-width='2' points='");
    for (MemoryRun run : runs) {
      svg.append(
          String.format(Locale.ROOT, "%.1f,%.1f ", x(mebibytes(run)), y(speed.applyAsDouble(run))));
    }
    svg.append(
        String.format(Locale.ROOT, "' stroke='%s' stroke-dasharray='%s'/>\n", colour, dashes));
  }

  private double ideal(MemoryRun run) {
    return run.idealTokensPerSecond(unlimited);
  }

  private double x(double mebibytes) {
    return MARGIN + mebibytes / memoryMax * (WIDTH - 2 * MARGIN);
  }

  private double y(double tokensPerSecond) {
    return HEIGHT - MARGIN - tokensPerSecond / speedMax * (HEIGHT - 2 * MARGIN);
  }

  private static double mebibytes(MemoryRun run) {
    return run.memoryBytes() / (double) (1 << 20);
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x='%.1f' y='%.1f' text-anchor='%s'>%s</text>\n",
            x,
            y,
            anchor,
            text));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }
}
