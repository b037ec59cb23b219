/** Shows text of a Markdown subset, as it grows. */

import { button, element } from "./dom.js";
import { parseBlocks } from "./markdown-blocks.js";
import { appendInline } from "./markdown-inline.js";

/** One text on the page. What did not change since the last update keeps its nodes. */
export class MarkdownView {
  /** @param {HTMLElement} parent emptied, and owned from now on */
  constructor(parent) {
    this.parent = parent;
    this.parent.replaceChildren();
    /** @type {string[]} the blocks that are shown, as JSON */
    this.shown = [];
  }

  /**
   * @param {string} text all of it
   * @returns {number} blocks that are shown
   */
  update(text) {
    const blocks = parseBlocks(text);
    const wanted = blocks.map((block) => JSON.stringify(block));
    let same = 0;
    while (same < wanted.length && wanted[same] === this.shown[same]) {
      same++;
    }
    while (this.parent.childNodes.length > same) {
      this.parent.lastChild?.remove();
    }
    this.parent.append(...blocks.slice(same).map(render));
    this.shown = wanted;
    return blocks.length;
  }
}

/**
 * @param {import("./markdown-blocks.js").Block} block
 * @returns {HTMLElement}
 */
function render(block) {
  switch (block.type) {
    case "heading":
      // The page has headings of its own above those of an answer.
      return inline(element(`h${Math.min(6, block.level + 2)}`), block.text);
    case "code":
      return code(block.language, block.text);
    case "rule":
      return element("hr");
    case "quote":
      return element("blockquote", {}, ...block.blocks.map(render));
    case "list":
      return list(block.start, block.items);
    case "table":
      return table(block.head, block.rows);
    case "paragraph":
      return inline(element("p"), block.text);
  }
}

function inline(parent, text) {
  appendInline(parent, text);
  return parent;
}

function code(language, text) {
  const copy = button("Copy", "quiet copy", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  return element(
    "figure",
    { class: "code" },
    element(
      "figcaption",
      {},
      language || "text",
      navigator.clipboard ? copy : null, // only for pages of localhost or over TLS
    ),
    element("pre", { tabindex: "0" }, element("code", {}, text)),
  );
}

function list(start, items) {
  const first = start !== null && start !== 1 ? String(start) : undefined;
  const parent = start === null ? element("ul") : element("ol", { start: first });
  for (const blocks of items) {
    const item = element("li");
    for (const block of blocks) {
      // A short item needs no paragraph around it.
      if (block.type === "paragraph" && item.childNodes.length === 0) {
        inline(item, block.text);
      } else {
        item.append(render(block));
      }
    }
    parent.append(item);
  }
  return parent;
}

function table(head, rows) {
  const row = (tag, cells) =>
    element("tr", {}, ...cells.map((cell) => inline(element(tag), cell)));
  return element(
    "div",
    { class: "table", tabindex: "0" },
    element(
      "table",
      {},
      element("thead", {}, row("th", head)),
      element("tbody", {}, ...rows.map((cells) => row("td", cells))),
    ),
  );
}
