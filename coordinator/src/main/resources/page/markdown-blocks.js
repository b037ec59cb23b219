/** Splits the text of a Markdown subset into blocks. It touches no DOM. */

const MAX_DEPTH = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:[ \t]+(.*)|)$/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/**
 * @typedef {{type: "paragraph", text: string}
 *   | {type: "heading", level: number, text: string}
 *   | {type: "code", language: string, text: string}
 *   | {type: "rule"}
 *   | {type: "quote", blocks: Block[]}
 *   | {type: "list", start: number | null, items: Block[][]}
 *   | {type: "table", head: string[], rows: string[][]}} Block
 */

/**
 * @param {string} text
 * @param {number} [depth] how many quotes and lists it is in
 * @returns {Block[]}
 */
export function parseBlocks(text, depth = 0) {
  return new BlockReader(text.replaceAll("\r\n", "\n").split("\n"), depth).read();
}

class BlockReader {
  /**
   * @param {string[]} lines
   * @param {number} depth
   */
  constructor(lines, depth) {
    this.lines = lines;
    this.depth = depth;
    this.at = 0;
  }

  read() {
    const blocks = [];
    while (this.at < this.lines.length) {
      const block = this.block();
      if (block) {
        blocks.push(block);
      }
    }
    return blocks;
  }

  /** @returns {Block | null} null for an empty line */
  block() {
    const line = this.lines[this.at];
    if (!line.trim()) {
      this.at++;
      return null;
    }
    const fence = FENCE.exec(line);
    if (fence) {
      return this.code(fence[1], fence[2]);
    }
    const heading = HEADING.exec(line);
    if (heading) {
      this.at++;
      const text = (heading[2] ?? "").replace(/[ \t]#+[ \t]*$/, "");
      return { type: "heading", level: heading[1].length, text: text.trim() };
    }
    if (RULE.test(line)) {
      this.at++;
      return { type: "rule" };
    }
    if (this.depth < MAX_DEPTH && QUOTE.test(line)) {
      return this.quote();
    }
    if (this.depth < MAX_DEPTH && ITEM.test(line)) {
      return this.list();
    }
    return this.beginsTable() ? this.table() : this.paragraph();
  }

  /** All up to the closing fence; up to the end while the model still writes. */
  code(fence, language) {
    const text = [];
    for (this.at++; this.at < this.lines.length; this.at++) {
      const line = this.lines[this.at].trim();
      if (line.startsWith(fence) && line.replaceAll(fence[0], "") === "") {
        this.at++;
        break;
      }
      text.push(this.lines[this.at]);
    }
    return { type: "code", language: language.trim().split(/\s/)[0], text: text.join("\n") };
  }

  quote() {
    const text = [];
    for (; this.at < this.lines.length; this.at++) {
      const line = QUOTE.exec(this.lines[this.at]);
      if (!line) {
        break;
      }
      text.push(line[1]);
    }
    return { type: "quote", blocks: parseBlocks(text.join("\n"), this.depth + 1) };
  }

  list() {
    const ordered = (marker) => /\d/.test(marker);
    const first = ITEM.exec(this.lines[this.at]);
    const items = [];
    while (this.at < this.lines.length) {
      const item = ITEM.exec(this.lines[this.at]);
      if (!item || ordered(item[2]) !== ordered(first[2]) || RULE.test(this.lines[this.at])) {
        break;
      }
      items.push(parseBlocks(this.item(item), this.depth + 1));
    }
    return { type: "list", start: ordered(first[2]) ? parseInt(first[2], 10) : null, items };
  }

  /** The text of one item: its line, and those that are indented or go on with its paragraph. */
  item([, indent, marker, rest]) {
    const text = [rest ?? ""];
    const needed = indent.length + 2; // models indent by 2, 3 or 4, whatever the marker's width
    for (this.at++; this.at < this.lines.length; this.at++) {
      const line = this.lines[this.at];
      const width = line.length - line.trimStart().length;
      const next = this.lines.slice(this.at).find((later) => later.trim()) ?? "";
      if (!line.trim()) {
        if (next.length - next.trimStart().length < needed) {
          if (ITEM.test(next)) {
            this.skipEmpty();
          }
          break;
        }
      } else if (width < needed && this.interrupts(line)) {
        break;
      }
      text.push(line.slice(Math.min(width, indent.length + marker.length + 1)));
    }
    return text.join("\n");
  }

  skipEmpty() {
    while (!this.lines[this.at].trim()) {
      this.at++;
    }
  }

  beginsTable() {
    return this.lines[this.at].includes("|") && TABLE_RULE.test(this.lines[this.at + 1] ?? "");
  }

  table() {
    const head = cells(this.lines[this.at]);
    const rows = [];
    for (this.at += 2; this.at < this.lines.length && this.lines[this.at].includes("|"); this.at++) {
      rows.push(cells(this.lines[this.at]).slice(0, head.length));
    }
    return { type: "table", head, rows };
  }

  paragraph() {
    const text = [this.lines[this.at++].trim()];
    while (this.at < this.lines.length) {
      const line = this.lines[this.at];
      if (!line.trim() || this.interrupts(line)) {
        break;
      }
      text.push(line.trim());
      this.at++;
    }
    return { type: "paragraph", text: text.join("\n") };
  }

  /** Whether a line ends the paragraph before it. */
  interrupts(line) {
    return [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
  }
}

/** @returns {string[]} the cells of a table's row */
function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}
