/**
 * Keys and values of chats on a node's own disk, so that a chat that is resumed need not be run
 * again: pages of 64 tokens of one KV head, under names that tell nothing of the tokens. A store
 * has a thread of its own; ranks hand pages over and take them, and wait for neither but under a
 * deadline.
 */
@NullMarked
package org.kithlm.node.kv;

import org.jspecify.annotations.NullMarked;
