/** How fast this device is. Measured on a thread of its own, once for each type of weights. */
@NullMarked
package org.kithlm.node.calibration;

import org.jspecify.annotations.NullMarked;
