package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import javax.crypto.SecretKey;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;

class SessionConfigsTest {
  @ParameterizedTest
  @EnumSource
  void shouldSealEachFormWithTheKeyOfTheEpoch(CollectiveChoice choice) {
    EpochKey epochKey = EpochKey.create();
    SessionConfig config =
        SessionConfigs.of(
            new RankAssignment(
                9, 1, List.of(1.0, 1.0), "pack", 64, KvType.F16, 8, choice, epochKey),
            List.of(
                new NodeMessage.Peer(0, "127.0.0.1", 1, 8),
                new NodeMessage.Peer(1, "127.0.0.1", 2, 8)),
            64);
    assertEquals(9, config.epoch());
    assertEquals(new PeerAddress(1, "127.0.0.1", 2), config.peers().get(config.rank()));
    assertEquals(choice.name(), config.collective().name());
    SecretKey key = config.key();
    assertNotNull(key);
    assertArrayEquals(epochKey.bytes(), key.getEncoded());
  }
}
