/**
 * The chat endpoint: OpenAI's HTTP API over one ChatService. Requests run on the actor system's
 * dispatcher; the engine's threads only put events into bounded queues.
 */
@NullMarked
package org.kithlm.coordinator.http;

import org.jspecify.annotations.NullMarked;
