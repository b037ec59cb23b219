package org.kithlm.transport;

/**
 * A step as the root announced it.
 *
 * @param step its number, growing within an epoch
 * @param startPosition position of the first token
 * @param tokenCount tokens in the step
 * @param length floats of hidden state received
 */
public record StepHeader(long step, int startPosition, int tokenCount, int length) {}
