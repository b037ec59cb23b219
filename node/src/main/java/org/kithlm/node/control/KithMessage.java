package org.kithlm.node.control;

/** A message that crosses the network; bound to Jackson CBOR in the cluster configuration. */
public interface KithMessage {}
