package org.kithlm.model.chat.jinja;

/** Python's None; a value of its own, so that no Java reference is ever null. */
enum None {
  /** The only one. */
  NONE
}
