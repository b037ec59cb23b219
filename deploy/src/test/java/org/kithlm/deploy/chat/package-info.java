/** Tests of the terminal's chat client against scripted sockets. */
@NullMarked
package org.kithlm.deploy.chat;

import org.jspecify.annotations.NullMarked;
