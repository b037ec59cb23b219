/**
 * A chat client for the terminal, over the endpoint's HTTP API. The caller's thread asks, waits and
 * prints; the HTTP client's threads only fill a bounded queue of lines.
 */
@NullMarked
package org.kithlm.deploy.chat;

import org.jspecify.annotations.NullMarked;
