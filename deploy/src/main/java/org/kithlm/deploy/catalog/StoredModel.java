package org.kithlm.deploy.catalog;

/**
 * A model that is ready to run, as its model.json says.
 *
 * @param name what the user calls it
 * @param source where it came from
 * @param ggufSha256 of the GGUF, lower-case hexadecimal
 * @param ggufBytes its length
 * @param packBytes length of the pack made of it
 * @param createdEpochSeconds when
 */
public record StoredModel(
    String name,
    String source,
    String ggufSha256,
    long ggufBytes,
    long packBytes,
    long createdEpochSeconds) {}
