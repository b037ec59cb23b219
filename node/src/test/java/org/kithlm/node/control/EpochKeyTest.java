package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.Test;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;

class EpochKeyTest {
  private static NodeMessage.LoadShard message(EpochKey key) {
    return new NodeMessage.LoadShard(
        new RankAssignment(
            7,
            1,
            List.of(1.0, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            "pack",
            64,
            KvType.F16,
            8,
            CollectiveChoice.TWO_SHOT,
            SumPrecision.EXACT,
            key),
        new NodeMessage.WeightOrigin("http://127.0.0.1:1/pack", 0, List.of()));
  }

  @Test
  void shouldReachANodeUnchanged() {
    NodeMessage.LoadShard sent = message(EpochKey.create());
    ActorTestKit kit =
        ActorTestKit.create(
            ClusterSettings.SYSTEM, ClusterSettings.of("127.0.0.1", 0, ClusterSettings.NODE_ROLE));
    try {
      assertEquals(sent, kit.serializationTestKit().verifySerialization(sent, true));
    } finally {
      kit.shutdownTestKit();
    }
  }

  @Test
  void shouldShowInNoLog() {
    EpochKey key = new EpochKey(HexFormat.of().parseHex("000102030405060708090a0b0c0d0eff"));
    String logged = message(key).toString();
    assertTrue(logged.contains("EpochKey[redacted]"), logged);
    for (String part : List.of("0eff", "14, -1", "[B@", Integer.toString(key.hashCode()))) {
      assertFalse(logged.contains(part), logged);
    }
  }

  @Test
  void shouldBeItsOwnBytes() {
    byte[] bytes = new byte[16];
    EpochKey key = new EpochKey(bytes);
    bytes[0] = 1;
    key.bytes()[1] = 1;
    assertArrayEquals(new byte[16], key.bytes());
    assertEquals(new EpochKey(new byte[16]), key);
    assertNotEquals(EpochKey.create(), EpochKey.create());
  }

  @Test
  void shouldRefuseAnotherLength() {
    assertEquals(
        "epoch key has 15 bytes, needs 16",
        assertThrows(IllegalArgumentException.class, () -> new EpochKey(new byte[15]))
            .getMessage());
  }
}
