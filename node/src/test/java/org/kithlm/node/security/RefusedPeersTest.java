package org.kithlm.node.security;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RefusedPeersTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger(RefusedPeers.class);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final AtomicLong nowNs = new AtomicLong(Long.MAX_VALUE); // it overflows, as the real one
  private final RefusedPeers peers = new RefusedPeers(nowNs::get);

  @BeforeEach
  void listen() {
    lines.start();
    logger.addAppender(lines);
  }

  @AfterEach
  void hangUp() {
    logger.detachAppender(lines);
  }

  @Test
  void shouldLogEachPeerNowAndThen() {
    peers.refused("a", "one");
    peers.refused("b", "two");
    peers.refused("a", "three");
    peers.refused("a", "four");
    nowNs.addAndGet(Duration.ofSeconds(10).toNanos());
    peers.refused("a", "five");
    assertEquals(
        List.of(
            "refused a connection of a: one",
            "refused a connection of b: two",
            "refused a connection of a: five; and 2 more since the last such line"),
        lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
  }
}
