/**
 * Models on this device: where they come from, how they are fetched and where they are kept. Every
 * class belongs to the thread of the command; {@link org.kithlm.deploy.catalog.ModelLock} keeps
 * other processes out.
 */
@NullMarked
package org.kithlm.deploy.catalog;

import org.jspecify.annotations.NullMarked;
