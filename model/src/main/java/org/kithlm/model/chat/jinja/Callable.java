package org.kithlm.model.chat.jinja;

/** A value that can be called: a macro, a bound method or a global function. */
@FunctionalInterface
interface Callable {
  Object call(Arguments arguments);
}
