/** Tests over multicast on the loopback interface, which other devices never hear. */
@NullMarked
package org.kithlm.deploy.discovery;

import org.jspecify.annotations.NullMarked;
