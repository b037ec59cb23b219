package org.kithlm.deploy.cli;

import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Takes choices as {@code toString} shows them; picocli would offer each twice. */
abstract class WordConverter<E extends Enum<E>> implements ITypeConverter<E> {
  private final List<E> choices;

  WordConverter(E[] choices) {
    this.choices = List.of(choices);
  }

  @Override
  public E convert(String text) {
    return choices.stream()
        .filter(choice -> choice.toString().equals(text))
        .findFirst()
        .orElseThrow(() -> new TypeConversionException("'" + text + "' is not one of " + choices));
  }
}
