package org.kithlm.node.control;

/**
 * What the actors of coordinator and nodes are told. Only the messages that kith-cluster.conf lists
 * cross the network, as Jackson CBOR.
 */
public interface KithMessage {}
