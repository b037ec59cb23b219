/** Reads an answer to screen readers paragraph by paragraph, not token by token. */

import { byId, element } from "./dom.js";

export class Announcer {
  constructor() {
    this.log = byId("announcer");
    this.told = 0;
  }

  /** @param {string} text said at once; the start of a new answer */
  begin(text) {
    this.log.replaceChildren(element("p", {}, text));
    this.told = 0;
  }

  /**
   * Tells the blocks of an answer that have not been told.
   *
   * @param {HTMLElement} body where the answer is shown
   * @param {number} complete how many of its blocks will not change any more
   */
  tell(body, complete) {
    for (; this.told < complete; this.told++) {
      this.log.append(element("p", {}, body.children[this.told]?.textContent ?? ""));
    }
  }

  /** @param {string} text said after the answer */
  end(text) {
    this.log.append(element("p", {}, text));
  }
}
