package org.kithlm.model.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * A function that a model may call.
 *
 * @param name letters, digits, underscores and dashes
 * @param parameters JSON Schema of its arguments, null for none
 * @param path what the schema is called in errors
 * @param strict whether a schema that is not supported is an error; otherwise the arguments of such
 *     a tool are any JSON object
 */
public record Tool(String name, @Nullable JsonNode parameters, String path, boolean strict) {}
