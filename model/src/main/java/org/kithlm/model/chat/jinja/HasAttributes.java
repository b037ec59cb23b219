package org.kithlm.model.chat.jinja;

import java.util.Optional;

/** A value with named attributes that is no mapping: a namespace or a loop. */
interface HasAttributes {
  /** The attribute's value, if it has one of this name. */
  Optional<Object> attribute(String name);
}
