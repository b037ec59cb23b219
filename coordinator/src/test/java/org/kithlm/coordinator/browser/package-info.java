/**
 * A real Chromium for tests, driven over its DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol). The test's thread owns browser and tabs;
 * events come on a thread of the HTTP client.
 */
@NullMarked
package org.kithlm.coordinator.browser;

import org.jspecify.annotations.NullMarked;
