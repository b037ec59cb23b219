/**
 * How devices come into a cluster: its certificate authority, join tokens, the register of nodes,
 * and the HTTPS endpoint that nodes talk to. Requests run on Pekko's threads, what touches files on
 * one thread of the endpoint.
 */
@NullMarked
package org.kithlm.coordinator.enrolment;

import org.jspecify.annotations.NullMarked;
