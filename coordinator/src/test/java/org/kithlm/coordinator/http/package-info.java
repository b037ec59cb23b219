/** Tests of the chat endpoint over real sockets, with a scripted engine. */
@NullMarked
package org.kithlm.coordinator.http;

import org.jspecify.annotations.NullMarked;
