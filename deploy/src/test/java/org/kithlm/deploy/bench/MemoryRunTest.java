package org.kithlm.deploy.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.Json;
import org.w3c.dom.Document;

class MemoryRunTest {
  private static MemoryRun run(long memoryBytes, double tokensPerSecond, long streamedPerToken) {
    return new MemoryRun(memoryBytes, 4, tokensPerSecond, 0, 4 * streamedPerToken, 0, 0, 0, 0, 1e9);
  }

  @Test
  void shouldAddUpRanksAndTakeTheSlowest() throws Exception {
    String answer =
        """
        {"tokens": [5, 6], "tokens_per_second": 3.5, "nodes": [
          {"weights_resident_bytes": 10, "weights_streamed_bytes": 100, "rss_peak_bytes": 7,
           "compute_ms": 1, "collective_ms": 9, "disk_wait_ms": 2},
          {"weights_resident_bytes": 20, "weights_streamed_bytes": 300, "rss_peak_bytes": 5,
           "compute_ms": 4, "collective_ms": 3, "disk_wait_ms": 8}]}
        """;
    assertEquals(
        new MemoryRun(99, 2, 3.5, 30, 400, 7, 4, 9, 8, 1e9),
        MemoryRun.of(99, Json.MAPPER.readTree(answer), 1e9));
  }

  @Test
  void shouldBeLimitedByDiskOrComputing() {
    assertEquals(200, run(1, 1, 200).streamedBytesPerToken());
    assertEquals(4, run(1, 1, 250_000_000).idealTokensPerSecond(10));
    assertEquals(10, run(1, 1, 50_000_000).idealTokensPerSecond(10));
    assertEquals(10, run(1, 1, 0).idealTokensPerSecond(10));
  }

  @Test
  void shouldDrawAPointForEachRunInsideThePicture() throws Exception {
    List<MemoryRun> runs =
        List.of(run(400L << 20, 2, 500_000_000), run(800L << 20, 5, 100_000_000));
    String svg = MemoryPlot.svg("a < b", runs, 6);
    Document picture =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    var curves = picture.getElementsByTagName("polyline");
    assertEquals(2, curves.getLength());
    for (int i = 0; i < curves.getLength(); i++) {
      String points = curves.item(i).getAttributes().getNamedItem("points").getNodeValue().strip();
      assertEquals(2, points.split(" ", -1).length, points);
      for (String point : points.split("[ ,]", -1)) {
        assertTrue(Double.parseDouble(point) > 0 && Double.parseDouble(point) < 640, points);
      }
    }
    assertEquals("a < b", picture.getElementsByTagName("text").item(0).getTextContent());
  }
}
