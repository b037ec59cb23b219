/**
 * Measures the collectives between real ranks, beside the plainest things the same network and JDK
 * can do. Each contender belongs to the thread that runs the benchmark.
 */
@NullMarked
package org.kithlm.transport.bench;

import org.jspecify.annotations.NullMarked;
