package org.kithlm.deploy.cli;

import java.util.List;
import java.util.Map;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.model.sampling.SamplingParameters;
import picocli.CommandLine.Option;

/** How one prompt is answered. */
final class GenerationOptions {
  @Option(
      names = "--raw",
      description = "Take the prompt as it is, special tokens parsed, without the chat template.")
  private boolean raw;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "Most tokens of the answer (default: 256).")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0.7",
      description = "0 takes the likeliest token each time (default: 0.7).")
  private float temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Choose among the K likeliest, 0 for all.")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "0.95",
      description = "Choose among the likeliest that add up to P (default: 0.95).")
  private float topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of the choice (default: 0).")
  private long seed;

  GenerationRequest request(String prompt, ChatService chat) {
    if (prompt.isEmpty()) {
      throw new KithException(ExitCode.USAGE, "--prompt is empty; give it some text");
    }
    if (maxTokens < 1) {
      throw new KithException(ExitCode.USAGE, "--max-tokens " + maxTokens + " must be at least 1");
    }
    try {
      SamplingParameters sampling =
          new SamplingParameters(temperature, topK, topP, 0, 1, 0, 0, Map.of(), seed);
      int[] tokens =
          raw
              ? chat.tokenize(prompt)
              : chat.tokenizeChat(List.of(new ChatService.Message("user", prompt)), List.of());
      return new GenerationRequest(tokens, maxTokens, sampling, List.of(), 0).withoutLogprobs();
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }
}
