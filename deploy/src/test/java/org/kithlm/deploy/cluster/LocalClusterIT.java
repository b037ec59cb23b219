package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whole clusters of real processes on a real model. */
class LocalClusterIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  @Test
  void shouldRefuseAWrongToken() throws Exception {
    try (KithProcess cluster =
        KithProcess.start(
            TestModel.HOME,
            "up",
            MODEL,
            "--even-shares",
            "--host",
            "127.0.0.1",
            "--control-port",
            "0",
            "--join-port",
            "0",
            "--port",
            "0")) {
      cluster.awaitLine(); // served
      String wrong = cluster.joinToken().replaceFirst("/[0-9a-f]{32}$", "/" + "0".repeat(32));
      try (KithProcess node =
          KithProcess.start(TestModel.HOME, "join", wrong, "--name", "stranger")) {
        assertEquals(5, node.awaitExit(), node.errors());
        assertTrue(node.errors().contains("refused the join token"), node.errors());
        assertFalse(node.errors().contains("\tat "), node.errors());
      }
    }
  }
}
