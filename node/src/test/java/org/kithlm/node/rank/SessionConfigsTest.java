package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import javax.crypto.SecretKey;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;

class SessionConfigsTest {
  private static SessionConfig config(
      CollectiveChoice choice, SumPrecision precision, EpochKey epochKey) {
    return SessionConfigs.of(
        new RankAssignment(
            9,
            1,
            List.of(1.0, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            "pack",
            64,
            KvType.F16,
            8,
            choice,
            precision,
            epochKey),
        List.of(
            new NodeMessage.Peer(0, "127.0.0.1", 1, 8), new NodeMessage.Peer(1, "127.0.0.1", 2, 8)),
        64);
  }

  @ParameterizedTest
  @EnumSource
  void shouldSendSumsAsPreciselyAsPlanned(SumPrecision precision) {
    SessionConfig config = config(CollectiveChoice.STAR, precision, EpochKey.create());
    assertEquals(precision.name(), config.encoding().name());
  }

  @ParameterizedTest
  @EnumSource
  void shouldSealEachFormWithTheKeyOfTheEpoch(CollectiveChoice choice) {
    EpochKey epochKey = EpochKey.create();
    SessionConfig config = config(choice, SumPrecision.EXACT, epochKey);
    assertEquals(9, config.epoch());
    assertEquals(new PeerAddress(1, "127.0.0.1", 2), config.peers().get(config.rank()));
    assertEquals(choice.name(), config.collective().name());
    SecretKey key = config.key();
    assertNotNull(key);
    assertArrayEquals(epochKey.bytes(), key.getEncoded());
  }
}
