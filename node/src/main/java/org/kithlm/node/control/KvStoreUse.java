package org.kithlm.node.control;

/**
 * What a node has done with keys and values on its disk since its process began. A page is that of
 * one KV head.
 *
 * @param storedPages pages written
 * @param restoredPages pages read for a prompt
 * @param usedBytes that pages take on disk now
 */
public record KvStoreUse(long storedPages, long restoredPages, long usedBytes) {}
