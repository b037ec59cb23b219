package org.kithlm.coordinator.generation;

import org.kithlm.model.transformer.KvBlocks;

/**
 * How long the texts after one prompt may be: their keys and values share the memory that is
 * reserved for those of one context, and the prompt's are kept once.
 *
 * @param contextLength longest prompt plus text, in tokens
 * @param promptLength tokens of the prompt
 */
public record ChoiceRoom(int contextLength, int promptLength) {
  /** Most tokens of each text, where there are so many; 0 where they do not fit at all. */
  public int tokensOfEach(int choices) {
    int room = contextLength - promptLength;
    if (choices > 1) {
      int longest = KvBlocks.longest(promptLength, choices, KvBlocks.of(contextLength));
      room = Math.min(room, longest - promptLength);
    }
    return Math.max(0, room);
  }

  /** The longest prompt that leaves room for so many tokens of each text; 0 if none does. */
  public static int longestPrompt(int contextLength, int choices, int tokens) {
    int length = Math.max(0, contextLength - tokens);
    while (length > 0 && new ChoiceRoom(contextLength, length).tokensOfEach(choices) < tokens) {
      length--;
    }
    return length;
  }

  /**
   * Refuses texts for which there is no room.
   *
   * @param maxTokens most tokens of each; a text ends with the context at the latest
   * @throws GenerationRefusedException if they do not fit; the message says what does
   */
  void require(int choices, int maxTokens) {
    int wanted = Math.min(maxTokens, contextLength - promptLength);
    int most = tokensOfEach(choices);
    if (choices == 1 || wanted <= most) {
      return;
    }
    int fewer = choices - 1;
    while (tokensOfEach(fewer) < wanted) {
      fewer--; // one text always fits
    }
    long needed = KvBlocks.of(promptLength, promptLength + wanted, choices);
    throw new GenerationRefusedException(
        GenerationRefusedException.Reason.TOO_MANY_CHOICES,
        """
        n=%d texts of up to %d tokens after a prompt of %d need room for the keys and values of %d \
        tokens, and there is room for %d; ask for n=%d%s\
        """
            .formatted(
                choices,
                wanted,
                promptLength,
                needed * KvBlocks.positions(1),
                KvBlocks.positions(KvBlocks.of(contextLength)),
                fewer,
                most > 0 ? " or for max_tokens=" + most : ""));
  }
}
