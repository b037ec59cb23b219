package org.kithlm.model.chat.jinja;

import java.util.List;
import java.util.Optional;

/** The variable {@code loop} of a for statement. */
final class Loop implements HasAttributes {
  private final List<Object> items;
  private final Budget budget;
  private int index;
  private List<Object> lastChanged = List.of();
  private boolean changedCalled;

  Loop(List<Object> items, Budget budget) {
    this.items = items;
    this.budget = budget;
  }

  void moveTo(int newIndex) {
    index = newIndex;
  }

  @Override
  public Optional<Object> attribute(String name) {
    int length = items.size();
    return switch (name) {
      case "index" -> Optional.of(index + 1L);
      case "index0" -> Optional.of((long) index);
      case "revindex" -> Optional.of((long) (length - index));
      case "revindex0" -> Optional.of(length - index - 1L);
      case "first" -> Optional.of(index == 0);
      case "last" -> Optional.of(index == length - 1);
      case "length" -> Optional.of((long) length);
      case "depth" -> Optional.of(1L);
      case "depth0" -> Optional.of(0L);
      case "previtem" ->
          Optional.of(
              index > 0 ? items.get(index - 1) : new Undefined("there is no previous item"));
      case "nextitem" ->
          Optional.of(
              index < length - 1 ? items.get(index + 1) : new Undefined("there is no next item"));
      case "cycle" -> Optional.of((Callable) this::cycle);
      case "changed" -> Optional.of((Callable) this::changed);
      default -> Optional.empty();
    };
  }

  private Object cycle(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw new JinjaException("loop.cycle needs values to cycle through");
    }
    return arguments.positional().get(index % arguments.positional().size());
  }

  private Object changed(Arguments arguments) {
    boolean same = changedCalled && Values.equal(lastChanged, arguments.positional(), budget);
    changedCalled = true;
    lastChanged = arguments.positional();
    return !same;
  }
}
