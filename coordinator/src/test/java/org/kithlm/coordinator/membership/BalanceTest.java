package org.kithlm.coordinator.membership;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.coordinator.membership.Balance.Device;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.ProcessMemory;

class BalanceTest {
  private static final long MB = 1_000_000;
  private static final Workload WORKLOAD =
      new Workload("Q4_K", 10, 200 * MB, 800 * MB, 0, HeadPlacement.ROOT, 0, 100 * MB);

  private static Device device(long mbPerSecond, long diskMbPerSecond, long freeMb) {
    return new Device(
        new DeviceSpeed(mbPerSecond * MB, diskMbPerSecond * MB),
        new ProcessMemory((freeMb + 150) * MB, 50 * MB),
        0);
  }

  private static Device roomy(long mbPerSecond) {
    return new Device(
        new DeviceSpeed(mbPerSecond * MB, 0), new ProcessMemory(Long.MAX_VALUE, 50 * MB), 0);
  }

  private static Balance balance(List<Device> devices) {
    return new Balance(WORKLOAD, AttentionPlacement.SPLIT, devices);
  }

  @Test
  void shouldShareBySpeedWhereMemoryIsEnough() {
    Balance balance = balance(List.of(roomy(600), roomy(400), roomy(200), roomy(100)));
    assertArrayEquals(
        new double[] {6 / 13.0, 4 / 13.0, 2 / 13.0, 1 / 13.0}, balance.shares(), 1e-9);
  }

  @Test
  void shouldGiveADeviceNoMoreThanItsMemoryHoldsWhereItsDiskIsSlow() {
    Device small = device(1000, 0, 200);
    Balance balance = balance(List.of(roomy(1000), small));
    double[] shares = balance.shares();
    assertArrayEquals(new double[] {0.8, 0.2}, shares, 1e-9);
    assertTrue(balance.isShortOfMemory(small, shares[1]));
  }

  /** In 0.5 s the first computes 500 MB; the second holds 400 MB and reads 100 MB at 200 MB/s. */
  @Test
  void shouldCountWhatIsReadMeanwhile() {
    Device small = device(2000, 200, 400);
    double[] shares = balance(List.of(roomy(1000), small)).shares();
    assertArrayEquals(new double[] {0.5, 0.5}, shares, 1e-9);
  }

  @Test
  void shouldTakeWhatIsFixedOffTheMemory() {
    Device root =
        new Device(new DeviceSpeed(1000 * MB, 0), new ProcessMemory(450 * MB, 50 * MB), 100 * MB);
    double[] shares = balance(List.of(root, roomy(1000))).shares();
    assertArrayEquals(new double[] {0.2, 0.8}, shares, 1e-9);
  }

  @Test
  void shouldGiveNothingToADeviceWithoutRoom() {
    double[] shares = balance(List.of(roomy(100), device(1000, 0, -20))).shares();
    assertArrayEquals(new double[] {1, 0}, shares, 1e-9);
  }

  @Test
  void shouldGoBySpeedWhereAllMemoryIsTooLittle() {
    double[] shares = balance(List.of(device(300, 0, 10), device(100, 0, 10))).shares();
    assertArrayEquals(new double[] {0.75, 0.25}, shares, 1e-9);
  }

  /** No device needs longer than those that do not wait for their memory. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void shouldLetNoDeviceBeLate(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<Device> devices = new ArrayList<>();
      for (int i = 0; i < 1 + random.nextInt(8); i++) {
        devices.add(
            device(1 + random.nextInt(5000), 10 + random.nextInt(500), random.nextInt(900)));
      }
      double[] shares = balance(devices).shares();
      String where = "seed=" + seed + " round=" + round + " " + devices;
      assertEquals(1, Arrays.stream(shares).sum(), 1e-9, where);
      double[] seconds = new double[shares.length];
      Arrays.setAll(seconds, i -> seconds(devices.get(i), shares[i]));
      double latest = Arrays.stream(seconds).max().orElseThrow();
      for (double time : seconds) {
        assertEquals(latest, time, 1e-6 * latest, where);
      }
    }
  }

  private static double seconds(Device device, double share) {
    double bytes = share * 1000.0 * MB;
    double free = device.memory().processBytes() - 150.0 * MB;
    return Math.max(
        bytes / device.speed().weightBytesPerSecond(),
        (bytes - free) / device.speed().diskBytesPerSecond());
  }

  /**
   * 200 MB on each; the rest of 800 MB is shared so that 400 and 800 MB are done in the same time.
   */
  @Test
  void shouldCountReplicatedAttentionOnEachDevice() {
    Balance balance =
        new Balance(WORKLOAD, AttentionPlacement.REPLICATED, List.of(roomy(400), roomy(800)));
    assertArrayEquals(new double[] {0.25, 0.75}, balance.shares(), 1e-9);
    assertEquals(1.0, balance.seconds(), 1e-9);
    assertEquals(1000.0 / 1200, balance(List.of(roomy(400), roomy(800))).seconds(), 1e-9);
  }

  /** Of 300 MB, 200 hold its attention, so it has 100 of the 800 MB that are shared. */
  @Test
  void shouldTakeReplicatedAttentionOffTheMemory() {
    Balance balance =
        new Balance(
            WORKLOAD, AttentionPlacement.REPLICATED, List.of(roomy(900), device(9000, 0, 300)));
    assertArrayEquals(new double[] {0.875, 0.125}, balance.shares(), 1e-9);
    assertEquals(1.0, balance.seconds(), 1e-9);
  }

  @Test
  void shouldTakeForEverWhereAllMemoryIsTooLittle() {
    Balance balance = balance(List.of(device(300, 0, 10), device(100, 0, 10)));
    assertEquals(Double.POSITIVE_INFINITY, balance.seconds());
  }

  @Test
  void shouldNotCallAFastDeviceShortOfMemory() {
    Balance balance = balance(List.of(roomy(300), roomy(100)));
    assertFalse(balance.isShortOfMemory(roomy(300), 0.75));
  }
}
