package org.kithlm.coordinator.metrics;

import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.Map;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.coordinator.generation.ModelCard;

/** Another service whose generations are counted. Thread-safe. */
final class CountedChatService implements ChatService {
  private final ChatService service;
  private final GenerationMeters meters;

  CountedChatService(ChatService service, GenerationMeters meters) {
    this.service = service;
    this.meters = meters;
  }

  @Override
  public Generation generate(GenerationRequest request, GenerationListener listener) {
    try {
      return service.generate(request, new CountedListener(listener, meters));
    } catch (GenerationRefusedException e) {
      meters.outcome(e.reason());
      throw e;
    }
  }

  @Override
  public Model model() {
    return service.model();
  }

  @Override
  public ModelCard card() {
    return service.card();
  }

  @Override
  public Health health() {
    return service.health();
  }

  @Override
  public int[] tokenize(String text) {
    return service.tokenize(text);
  }

  @Override
  public String tokenText(int token) {
    return service.tokenText(token);
  }

  @Override
  public byte[] tokenBytes(int token) {
    return service.tokenBytes(token);
  }

  @Override
  public int[] tokenizeChat(List<Message> messages, List<Map<String, Object>> tools) {
    return service.tokenizeChat(messages, tools);
  }

  /** One generation's; its calls come from one thread at a time. */
  private static final class CountedListener implements GenerationListener {
    private final GenerationListener listener;
    private final GenerationMeters meters;
    private final Timer.Sample started;
    private boolean begun;

    CountedListener(GenerationListener listener, GenerationMeters meters) {
      this.listener = listener;
      this.meters = meters;
      this.started = meters.start();
    }

    @Override
    public void onToken(int choice, Token token) {
      if (!begun) {
        begun = true;
        meters.firstToken(started);
      }
      meters.token();
      listener.onToken(choice, token);
    }

    @Override
    public void onChoice(int choice, FinishReason reason, String tail) {
      meters.outcome(reason);
      listener.onChoice(choice, reason, tail);
    }

    @Override
    public void onFinished(Usage usage) {
      meters.used(usage);
      listener.onFinished(usage);
    }

    @Override
    public void onCancelled(Usage usage) {
      meters.used(usage);
      meters.outcome("cancelled");
      listener.onCancelled(usage);
    }

    @Override
    public void onFailed(String message) {
      meters.outcome("failed");
      listener.onFailed(message);
    }

    @Override
    public void onNotReady(String message) {
      meters.outcome(GenerationRefusedException.Reason.NOT_READY);
      listener.onNotReady(message);
    }
  }
}
