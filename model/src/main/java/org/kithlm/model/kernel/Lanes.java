package org.kithlm.model.kernel;

import java.util.Set;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.kithlm.model.weight.RowGroups;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The vector width of all kernels, chosen once: the machine's own, or that of the system property
 * {@value #BITS_PROPERTY} (128, 256 or 512).
 *
 * <p>Kernels add floats in lanes up in an order of their own, never by {@code reduceLanes}, whose
 * order is unspecified and changes when a method is compiled: a run must repeat bit for bit.
 */
final class Lanes {
  static final String BITS_PROPERTY = "kith.vector.bits";

  /** Vectors of activations; those of weights have the same shape. */
  static final VectorSpecies<Float> FLOATS = choose();

  /** Lanes of a float vector, a power of two. */
  static final int COUNT = FLOATS.length();

  /** Whether a row group is two vectors or more. */
  static final boolean TWO = COUNT < RowGroups.ROWS;

  /**
   * Whether kernels for several tokens take two row groups at a time, a vector each: each factor
   * that is loaded meets both. Only machines with vectors this wide have the registers for it.
   */
  static final boolean PAIRS = !TWO;

  private Lanes() {}

  private static VectorSpecies<Float> choose() {
    String property = System.getProperty(BITS_PROPERTY);
    if (property != null && !Set.of("128", "256", "512").contains(property)) {
      throw new IllegalArgumentException(
          BITS_PROPERTY + "=" + property + " is not a vector width; use 128, 256 or 512");
    }
    VectorSpecies<Float> species =
        property == null
            ? FloatVector.SPECIES_PREFERRED
            : VectorShape.forBitSize(Integer.parseInt(property)).withLanes(float.class);
    Logger log = LoggerFactory.getLogger(Lanes.class);
    log.info(
        "kernels use vectors of {} bits ({} floats)", species.vectorBitSize(), species.length());
    return species;
  }
}
