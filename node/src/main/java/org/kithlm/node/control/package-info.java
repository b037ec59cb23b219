/**
 * The control plane: messages between coordinator and nodes, and the actor of a node. Actors never
 * block and never carry tensors.
 */
@NullMarked
package org.kithlm.node.control;

import org.jspecify.annotations.NullMarked;
