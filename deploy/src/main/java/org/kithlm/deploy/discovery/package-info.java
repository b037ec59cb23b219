/**
 * How a node finds its coordinator on the local network without an address: by mDNS (RFC 6762, RFC
 * 6763), through JmDNS, whose threads it owns. What is found is a hint; certificates decide whom to
 * trust.
 */
@NullMarked
package org.kithlm.deploy.discovery;

import org.jspecify.annotations.NullMarked;
