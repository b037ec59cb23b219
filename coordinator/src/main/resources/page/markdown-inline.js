/**
 * The inline part of a Markdown subset: code, emphasis, links. Text becomes DOM nodes directly; what
 * is no markup of the subset, HTML included, stays the text that it is.
 */

import { element } from "./dom.js";

const MAX_DEPTH = 6;
const MAX_LABEL_LENGTH = 1000;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const BARE_LINK = /https?:\/\/[^\s<>"'`]+/y;
const LINK_TARGET = /\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)/y;

/** Longest first, as "**" begins with "*". */
const EMPHASIS = [
  { mark: "**", tag: "strong" },
  { mark: "__", tag: "strong" },
  { mark: "~~", tag: "del" },
  { mark: "*", tag: "em" },
  { mark: "_", tag: "em" },
];

/**
 * Appends text with its markup.
 *
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {number} [depth] how many marks it is in
 */
export function appendInline(parent, text, depth = 0) {
  new InlineReader(parent, text, depth).read();
}

class InlineReader {
  /**
   * @param {HTMLElement} parent
   * @param {string} text
   * @param {number} depth
   */
  constructor(parent, text, depth) {
    this.parent = parent;
    this.text = text;
    this.depth = depth;
    this.position = 0;
    this.plain = "";
    /** Marks that are known not to come again, so that no text takes quadratic time. */
    this.unclosed = new Set();
  }

  read() {
    while (this.position < this.text.length) {
      if (!this.markup()) {
        this.plain += this.text[this.position++];
      }
    }
    this.flush();
  }

  /** Reads what begins here; false if that is plain text. */
  markup() {
    switch (this.text[this.position]) {
      case "\n":
        return this.add(element("br"), 1);
      case "\\":
        return this.escape();
      case "`":
        return this.code();
      case "*":
      case "_":
      case "~":
        return this.emphasis();
      case "[":
        return this.link(this.position);
      case "!":
        return this.text[this.position + 1] === "[" && this.link(this.position + 1);
      case "h":
        return this.bareLink();
      default:
        return false;
    }
  }

  escape() {
    const next = this.text[this.position + 1] ?? "";
    if (!PUNCTUATION.test(next)) {
      return false;
    }
    this.plain += next;
    this.position += 2;
    return true;
  }

  code() {
    const ticks = run(this.text, this.position);
    const start = this.position + ticks.length;
    for (let end = this.find(ticks, start); end >= 0; end = this.text.indexOf(ticks, end)) {
      const closing = run(this.text, end);
      if (closing.length === ticks.length) {
        const code = this.text.slice(start, end).replaceAll("\n", " ");
        return this.add(element("code", {}, trimOne(code)), end + ticks.length - this.position);
      }
      end += closing.length;
    }
    this.unclosed.add(ticks);
    this.plain += ticks;
    this.position = start;
    return true;
  }

  emphasis() {
    const { text, position } = this;
    const found = EMPHASIS.find(({ mark }) => text.startsWith(mark, position));
    if (!found || this.depth >= MAX_DEPTH) {
      return false;
    }
    const { mark, tag } = found;
    const start = position + mark.length;
    const inWord = mark[0] === "_" && WORD.test(text[position - 1] ?? "");
    if (inWord || /^(\s|$)/.test(text.charAt(start))) {
      return this.keep(mark);
    }
    for (let end = this.find(mark, start + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
      if (mark.length === 2 && text[end + 2] === mark[0]) {
        end++; // of three, the first closes what is within
      }
      const after = text[end + mark.length] ?? "";
      const closes =
        !/\s/.test(text[end - 1]) &&
        (mark.length === 2 || (after !== mark && text[end - 1] !== mark)) &&
        !(mark[0] === "_" && WORD.test(after));
      if (closes) {
        const child = element(tag);
        appendInline(child, text.slice(start, end), this.depth + 1);
        return this.add(child, end + mark.length - position);
      }
    }
    this.unclosed.add(mark);
    return this.keep(mark);
  }

  /** @param {number} bracket where "[" is; an image before it is shown as a link */
  link(bracket) {
    const close = this.find("](", bracket + 1);
    if (close < 0 || this.depth >= MAX_DEPTH) {
      this.unclosed.add("](");
      return false;
    }
    if (close - bracket > MAX_LABEL_LENGTH) {
      return false;
    }
    LINK_TARGET.lastIndex = close + 1;
    const target = LINK_TARGET.exec(this.text);
    const label = this.text.slice(bracket + 1, close);
    const href = target && safeUrl(target[1]);
    if (!href || label.includes("[")) {
      return false;
    }
    const child = anchor(href);
    appendInline(child, label || href, MAX_DEPTH); // no links in links
    return this.add(child, LINK_TARGET.lastIndex - this.position);
  }

  bareLink() {
    if (this.depth >= MAX_DEPTH || WORD.test(this.text[this.position - 1] ?? "")) {
      return false;
    }
    BARE_LINK.lastIndex = this.position;
    const found = BARE_LINK.exec(this.text)?.[0].replace(/[.,;:!?*_~)\]]+$/, "");
    const href = found && safeUrl(found);
    if (!found || !href) {
      return false;
    }
    const child = anchor(href);
    child.append(found);
    return this.add(child, found.length);
  }

  /** Where a mark comes next, -1 for nowhere. */
  find(mark, from) {
    return this.unclosed.has(mark) ? -1 : this.text.indexOf(mark, from);
  }

  keep(mark) {
    this.plain += mark;
    this.position += mark.length;
    return true;
  }

  add(node, length) {
    this.flush();
    this.parent.append(node);
    this.position += length;
    return true;
  }

  flush() {
    if (this.plain) {
      this.parent.append(this.plain);
      this.plain = "";
    }
  }
}

/** The run of one character that begins at a position. */
function run(text, position) {
  let end = position;
  while (text[end] === text[position]) {
    end++;
  }
  return text.slice(position, end);
}

/** Code without the one space that lets it begin or end with a tick. */
function trimOne(code) {
  return /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code;
}

/**
 * @param {string} text
 * @returns {string | null} an address that runs nothing when it is followed
 */
function safeUrl(text) {
  try {
    const url = new URL(text); // a relative one would lead into this page
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function anchor(href) {
  return element("a", {
    href,
    title: href,
    target: "_blank",
    rel: "noopener noreferrer nofollow",
  });
}
