package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.SumEncoding;

class CollectiveChooserTest {
  private static final int LAN_FRAME_FLOATS = 332;
  private static final int LOOPBACK_FRAME_FLOATS = 8_172;
  private static final LinkCosts WIFI = new LinkCosts(2_000_000, 2_000_000, 12_500_000, 5_000, 0);

  @Test
  void shouldTakeOneHopForSmallVectors() {
    assertEquals(Collective.DIRECT, chooser(WIFI, 4).choose(576));
    assertEquals(Collective.DIRECT, chooser(WIFI, 2).choose(8192));
  }

  @Test
  void shouldSpareTheBusiestLinkForLongVectors() {
    assertEquals(Collective.TWO_SHOT, chooser(WIFI, 4).choose(262_144));
    // 1 MB over 100 Mbit/s: a star's root takes and gives 3 MB, a slice's owner 1.5 MB
    double star = chooser(WIFI, 4).predictNs(Collective.STAR, 262_144);
    double twoShot = chooser(WIFI, 4).predictNs(Collective.TWO_SHOT, 262_144);
    assertEquals(2.0, star / twoShot, 0.1);
  }

  @Test
  void shouldTellWhereRanksMostlyWait() {
    LinkCosts gigabit = new LinkCosts(150_000, 150_000, 110_000_000, 4_000, 0);
    assertTrue(chooser(WIFI, 4).isMostlyWaiting(64 * 1536));
    assertFalse(chooser(gigabit, 4).isMostlyWaiting(64 * 1536)); // datagrams are work
    LinkCosts far = new LinkCosts(2_000_000, 2_000_000, 110_000_000, 4_000, 0);
    assertTrue(chooser(far, 4).isMostlyWaiting(576)); // a hop is waiting
    LinkCosts oneMachine = new LinkCosts(10_000, 10_000, 1_000_000_000, 5_000, 2);
    assertFalse(chooser(oneMachine, 4).isMostlyWaiting(64 * 1536));
  }

  @Test
  void shouldTakeTheStarWhereLeavesAreFarFromEachOther() {
    LinkCosts farLeaves = new LinkCosts(1_000_000, 3_000_000, 125_000_000, 5_000, 0);
    assertEquals(Collective.STAR, chooser(farLeaves, 3).choose(576));
  }

  @Test
  void shouldCountTheDatagramsOfAllWhereRanksShareCores() {
    LinkCosts oneMachine = new LinkCosts(10_000, 10_000, 1_000_000_000, 5_000, 2);
    double star = chooser(oneMachine, 6).predictNs(Collective.STAR, 332);
    double direct = chooser(oneMachine, 6).predictNs(Collective.DIRECT, 332);
    assertTrue(star < direct, "star=" + star + " direct=" + direct);
    assertEquals(Collective.STAR, chooser(oneMachine, 6).choose(332));
    assertEquals(Collective.DIRECT, chooser(oneMachine, 2).choose(332));
  }

  @Test
  void shouldCountTheBytesOfAllWhereRanksShareCores() {
    LinkCosts oneMachine = new LinkCosts(8_400, 8_400, 1_040_000_000, 8_800, 2);
    CollectiveChooser chooser =
        new CollectiveChooser(oneMachine, 4, LOOPBACK_FRAME_FLOATS * Float.BYTES, SumEncoding.F32);
    // 4 n P bytes sent or taken, over two cores; 4 n f datagrams of half a hop each, likewise
    double bytesNs = 12 * 294_912 / 2 / 1.04;
    assertEquals(
        bytesNs + 120 / 2 * 4_200, chooser.predictNs(Collective.STAR, 294_912 / 4), 1, "10 frames");
    for (int lengthBytes : new int[] {2_304, 32_768, 294_912}) {
      assertEquals(Collective.STAR, chooser.choose(lengthBytes / 4));
    }
  }

  @Test
  void shouldPredictHopsAndSerialisation() {
    LinkCosts free = new LinkCosts(1_000_000, 1_000_000, 1_000_000_000, 0, 0);
    // 332 floats are 1328 bytes: 1328 ns each at 1 GB/s
    assertEquals(2_000_000 + 2 * 1328, chooser(free, 2).predictNs(Collective.STAR, 332), 1e-3);
    assertEquals(1_000_000 + 1328, chooser(free, 2).predictNs(Collective.DIRECT, 332), 1e-3);
    assertEquals(2_000_000 + 1328, chooser(free, 2).predictNs(Collective.TWO_SHOT, 332), 1e-3);
    assertEquals(1_000_000 + 1328, chooser(free, 2).predictNs(Collective.AUTO, 332), 1e-3);
  }

  @Test
  void shouldCountTheBytesThatExactSumsUsuallyTake() {
    LinkCosts free = new LinkCosts(1_000_000, 1_000_000, 1_000_000_000, 0, 0);
    CollectiveChooser exact =
        new CollectiveChooser(free, 2, LAN_FRAME_FLOATS * Float.BYTES, SumEncoding.EXACT);
    // 332 elements: as a rule 664 bytes, of a partial sum as of a sum
    assertEquals(2_000_000 + 2 * 664, exact.predictNs(Collective.STAR, 332), 1e-3);
    assertEquals(1_000_000 + 664, exact.predictNs(Collective.DIRECT, 332), 1e-3);
    assertEquals(2_000_000 + 664, exact.predictNs(Collective.TWO_SHOT, 332), 1e-3);
  }

  private static CollectiveChooser chooser(LinkCosts costs, int worldSize) {
    return new CollectiveChooser(costs, worldSize, LAN_FRAME_FLOATS * Float.BYTES, SumEncoding.F32);
  }
}
