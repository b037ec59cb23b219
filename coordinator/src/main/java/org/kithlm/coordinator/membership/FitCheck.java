package org.kithlm.coordinator.membership;

import java.util.Optional;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.RankAssignment;

/** Tells whether a rank finds enough memory. Thread-safe; does not block. */
@FunctionalInterface
public interface FitCheck {
  /** Why a rank does not fit into its process, with what would; empty if it does. */
  Optional<String> shortage(RankAssignment assignment, ProcessMemory memory);
}
