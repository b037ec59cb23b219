package org.kithlm.deploy.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.node.control.Causes;

/**
 * The whole answer to one prompt.
 *
 * @param text the text
 * @param tokens its token ids
 * @param reason why it ended
 * @param usage what it cost
 */
public record Answer(
    String text, List<Integer> tokens, FinishReason reason, GenerationListener.Usage usage) {

  /**
   * Generates and waits.
   *
   * @param onText takes the text as it comes, on the engine's thread
   * @throws KithException if the generation fails
   */
  public static Answer of(ChatService chat, GenerationRequest request, Consumer<String> onText)
      throws InterruptedException {
    CompletableFuture<Answer> answer = new CompletableFuture<>();
    StringBuilder text = new StringBuilder();
    List<Integer> tokens = new ArrayList<>();
    Generation generation =
        chat.generate(
            request,
            new GenerationListener() {
              private FinishReason reason = FinishReason.LENGTH;

              @Override
              public void onToken(int choice, Token token) {
                tokens.add(token.id());
                text.append(token.text());
                onText.accept(token.text());
              }

              @Override
              public void onChoice(int choice, FinishReason why, String tail) {
                reason = why;
                text.append(tail);
                onText.accept(tail);
              }

              @Override
              public void onFinished(Usage usage) {
                answer.complete(new Answer(text.toString(), List.copyOf(tokens), reason, usage));
              }

              @Override
              public void onCancelled(Usage usage) {
                onFailed("the generation was cancelled");
              }

              @Override
              public void onFailed(String message) {
                answer.completeExceptionally(new KithException(ExitCode.OTHER, message));
              }

              @Override
              public void onNotReady(String message) {
                onFailed(message);
              }
            });
    try {
      return answer.get(); // the engine's own deadlines end it
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KithException known
          ? known
          : new KithException(ExitCode.OTHER, Causes.message(e), e);
    } catch (InterruptedException e) {
      generation.cancel();
      throw e;
    }
  }
}
