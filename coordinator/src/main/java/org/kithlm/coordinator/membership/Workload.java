package org.kithlm.coordinator.membership;

/**
 * What a model asks of devices, for plans. Bytes.
 *
 * @param weightType element type of most of its weights, as GGUF names it
 * @param layerBytes weights of all layers, which ranks share
 * @param headBytes weights of the output head, which are the root's
 * @param kvBytes keys and values of the whole context, shared like the layers
 * @param processBytes what a process needs beside its Java heap, keys, values and weights
 */
public record Workload(
    String weightType, long layerBytes, long headBytes, long kvBytes, long processBytes) {}
