package org.kithlm.model.constraint;

/** A JSON Schema that no grammar can be made of; the message names the place and the reason. */
public final class SchemaException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String path;

  /**
   * A place and what is wrong there.
   *
   * @param path the keyword or schema, such as {@code schema.properties.age.pattern}
   * @param reason how the sentence that begins with the path goes on
   */
  SchemaException(String path, String reason) {
    super(path + " " + reason);
    this.path = path;
  }

  /** The keyword or schema. */
  public String path() {
    return path;
  }
}
