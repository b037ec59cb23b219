/** The weights of a rank on this device: found in a local pack or fetched from the coordinator. */
@NullMarked
package org.kithlm.node.shard;

import org.jspecify.annotations.NullMarked;
