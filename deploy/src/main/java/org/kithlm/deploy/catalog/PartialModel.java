package org.kithlm.deploy.catalog;

/**
 * A model whose pull has not ended.
 *
 * @param name what the user calls it
 * @param source where its bytes come from
 * @param doneBytes bytes that are here
 * @param totalBytes all of them, -1 if not known
 */
public record PartialModel(String name, String source, long doneBytes, long totalBytes) {}
