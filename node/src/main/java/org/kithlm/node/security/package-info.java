/**
 * Who a process is in its cluster: join tokens, certificates, and the mutual TLS of every link of
 * the control plane. No threads of its own.
 */
@NullMarked
package org.kithlm.node.security;

import org.jspecify.annotations.NullMarked;
