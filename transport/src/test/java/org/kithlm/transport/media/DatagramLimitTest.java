package org.kithlm.transport.media;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class DatagramLimitTest {
  private static final int MTU = 1408;
  private static final int LARGE = 7392;

  private final DatagramLimit limit = new DatagramLimit(MTU, LARGE);

  @Test
  void shouldBeginWithSmallFramesInLargeDatagrams() {
    assertEquals(LARGE, limit.datagramLength());
    assertEquals(MTU, limit.frameLength());
  }

  @Test
  void shouldSendLargeFramesWhenLargeDatagramsInARowHaveArrived() {
    send(DatagramLimit.PROVEN_DATAGRAMS - 1, LARGE);
    limit.lost();
    send(DatagramLimit.PROVEN_DATAGRAMS - 1, LARGE);
    assertEquals(MTU, limit.frameLength());
    send(1, LARGE);
    assertEquals(LARGE, limit.frameLength());
  }

  @Test
  void shouldNotTakeSmallDatagramsForAProof() {
    send(10 * DatagramLimit.PERIOD_DATAGRAMS, MTU);
    assertEquals(MTU, limit.frameLength());
  }

  @Test
  void shouldBearSomeLosses() {
    send(DatagramLimit.PROVEN_DATAGRAMS, LARGE);
    for (int period = 0; period < 10; period++) {
      lose(DatagramLimit.LOSSES_MAX);
      assertEquals(LARGE, limit.frameLength());
      send(DatagramLimit.PERIOD_DATAGRAMS, LARGE);
    }
    assertEquals(LARGE, limit.datagramLength());
  }

  @Test
  void shouldSendSmallOnesForGoodWhereTooMuchIsLost() {
    send(DatagramLimit.PROVEN_DATAGRAMS, LARGE);
    lose(DatagramLimit.LOSSES_MAX + 1);
    send(10 * DatagramLimit.PERIOD_DATAGRAMS, LARGE);
    assertEquals(MTU, limit.datagramLength());
    assertEquals(MTU, limit.frameLength());
  }

  @Test
  void shouldSendLargeFramesAtOnceWhereThePathTakesThemWhole() {
    assertEquals(LARGE, new DatagramLimit(LARGE, LARGE).frameLength());
  }

  private void send(int datagrams, int lengthBytes) {
    for (int i = 0; i < datagrams; i++) {
      limit.sent(lengthBytes);
    }
  }

  private void lose(int datagrams) {
    for (int i = 0; i < datagrams; i++) {
      limit.lost();
    }
  }
}
