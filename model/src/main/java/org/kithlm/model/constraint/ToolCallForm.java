package org.kithlm.model.constraint;

/** How a tool call is written, by Hermes and Qwen models and here. */
public final class ToolCallForm {
  /** Begins a call. */
  public static final String MARKER = "<tool_call>";

  /** Between the marker and the tool's name. */
  public static final String BEFORE_NAME = "\n{\"name\": \"";

  /** Between the name and the arguments, which are an object. */
  public static final String BEHIND_NAME = "\", \"arguments\": ";

  /** Ends a call. */
  public static final String BEHIND_ARGUMENTS = "}\n</tool_call>";

  private ToolCallForm() {}
}
