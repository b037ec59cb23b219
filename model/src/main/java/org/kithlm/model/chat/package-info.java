/**
 * Turns the messages of a chat into the prompt text a model was trained on, by the template in its
 * file. A {@link org.kithlm.model.chat.ChatTemplate} is immutable and thread-safe.
 */
@NullMarked
package org.kithlm.model.chat;

import org.jspecify.annotations.NullMarked;
