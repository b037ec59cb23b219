package org.kithlm.model.chat;

/**
 * A stretch of a rendered prompt.
 *
 * @param text its characters, at least one
 * @param trusted true if the template or the model file wrote it, so that special-token text in it
 *     means the special token; false if it came with the request
 */
public record PromptSegment(String text, boolean trusted) {}
