/**
 * Turns prompts into tokens: the queue of one user, prefill, decode, stop rules. ChatService is
 * thread-safe; the rest belongs to its actor.
 */
@NullMarked
package org.kithlm.coordinator.generation;

import org.jspecify.annotations.NullMarked;
