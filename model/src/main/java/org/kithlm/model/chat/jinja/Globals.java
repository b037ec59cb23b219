package org.kithlm.model.chat.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions every chat template can call. */
final class Globals {
  /** As in the sandbox of the reference. */
  private static final int RANGE_MAX = 100_000;

  private Globals() {}

  static void define(Scope scope, LocalDateTime now, Budget budget) {
    scope.set("range", (Callable) arguments -> range(arguments, budget));
    scope.set("dict", (Callable) arguments -> dict(arguments));
    scope.set("namespace", (Callable) arguments -> namespace(arguments));
    scope.set("raise_exception", (Callable) arguments -> raise(arguments, budget));
    scope.set(
        "strftime_now",
        (Callable)
            arguments -> Text.own(Strftime.format(arguments.require(0, "format").toString(), now)));
  }

  private static Object raise(Arguments arguments, Budget budget) {
    throw JinjaException.raised(Printer.str(arguments.require(0, "message"), budget).toString());
  }

  private static List<Object> range(Arguments arguments, Budget budget) {
    arguments.atMost(3, "range");
    boolean onlyStop = arguments.positional().size() == 1;
    long start = onlyStop ? 0 : PyNumbers.integral(arguments.require(0, "start"));
    long stop = PyNumbers.integral(arguments.require(onlyStop ? 0 : 1, "stop"));
    long step = PyNumbers.integral(arguments.get(2, "step", 1L));
    if (step == 0) {
      throw new JinjaException("range step cannot be 0");
    }
    List<Object> range = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      budget.step();
      if (range.size() == RANGE_MAX) {
        throw new JinjaException("range is longer than " + RANGE_MAX);
      }
      range.add(i);
    }
    return range;
  }

  private static Map<Object, Object> dict(Arguments arguments) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (arguments.get(0, "", None.NONE) instanceof Map<?, ?> map) {
      dict.putAll(map);
    }
    arguments.named().forEach((name, value) -> dict.put(Text.own(name), value));
    return dict;
  }

  private static Namespace namespace(Arguments arguments) {
    Namespace namespace = new Namespace();
    dict(arguments).forEach((name, value) -> namespace.set(name.toString(), value));
    return namespace;
  }
}
