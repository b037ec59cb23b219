package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.sampling.SamplingParameters;

/** Several texts of a real model on two ranks, with weights in memory and from disk. */
@Tag("model")
class ChoicesModelTest {
  private static final int ANSWER_TOKENS = 12;
  private static final String STORY = "The fox looked at the hen and said that ";

  @TempDir static Path folder;

  /** Log probabilities and candidates tell of the least difference. */
  @Test
  void shouldMakeTheTextsThatEachWouldBeAlone() throws Exception {
    try (TwoRanks ranks = new TwoRanks(folder, TwoRanks.RESIDENT)) {
      for (long seed = 1; seed <= 5; seed++) {
        Random random = new Random(seed);
        int[] prompt = ranks.tokenizer.encodePrompt(STORY.repeat(1 + random.nextInt(20)));
        int count = 2 + random.nextInt(3);
        List<RecordingListener> alone = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          alone.add(ranks.answer(request(prompt, seed * 100 + i)));
        }

        RecordingListener together =
            ranks.answer(request(prompt, seed * 100).withChoices(new Choices(count, false)));

        String what = "seed=" + seed + " prompt=" + prompt.length + " texts=" + count;
        for (int i = 0; i < count; i++) {
          assertEquals(alone.get(i).tokens, together.choice(i).tokens, what + " text=" + i);
          assertEquals(alone.get(i).reason(), together.choice(i).reason, what + " text=" + i);
        }
        assertTrue(
            !together.choice(0).tokens.equals(together.choice(1).tokens), what + ": all alike");
      }
    }
  }

  @Test
  void shouldReadWeightsOnceForAllTexts() throws Exception {
    try (TwoRanks ranks = new TwoRanks(folder, 0.4)) {
      int[] prompt = ranks.tokenizer.encodePrompt(STORY.repeat(12));
      GenerationRequest one = request(prompt, 7);
      RecordingListener first = ranks.answer(one); // runs the prompt
      long start = ranks.streamedBytes();
      ranks.answer(one);
      long ofOne = ranks.streamedBytes() - start;

      RecordingListener together = ranks.answer(one.withChoices(new Choices(4, false)));

      long ofAll = ranks.streamedBytes() - start - ofOne;
      assertEquals(4 * ANSWER_TOKENS, together.usage().completionTokens());
      assertEquals(first.tokens, together.choice(0).tokens);
      assertTrue(ofOne > 0, "nothing is streamed");
      // What is read ahead makes them differ by a part of a sweep.
      double ratio = (double) ofAll / ofOne;
      assertTrue(ratio > 0.8 && ratio < 1.2, "texts take " + ratio + " times the bytes of one");
    }
  }

  /** Never ends before its limit: token 2 ends a turn of SmolLM2. */
  private static GenerationRequest request(int[] prompt, long seed) {
    SamplingParameters sampling =
        new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(0, -100f, 2, -100f), seed);
    return new GenerationRequest(prompt, ANSWER_TOKENS, sampling, List.of(), 5);
  }
}
