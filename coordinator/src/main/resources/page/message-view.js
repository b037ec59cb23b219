/** One message of a chat on the page. */

import { button, element } from "./dom.js";
import { MarkdownView } from "./markdown.js";

/** @typedef {import("./history.js").Message} Message */

/**
 * @typedef {object} MessageActions
 * @property {(text: string) => void} edit asks again with another text
 * @property {() => void} regenerate makes the answer anew
 */

/** What the user wrote; it can be changed in place. */
export class UserMessageView {
  /**
   * @param {Message} message
   * @param {MessageActions} actions
   */
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.root = element("article", { class: "message user", "aria-label": "You" });
    this.show();
  }

  show() {
    this.root.replaceChildren(
      element("div", { class: "text" }, this.message.content),
      element(
        "div",
        { class: "tools" },
        button("Edit", "quiet", () => this.edit(), "Edit this message"),
      ),
    );
  }

  edit() {
    const field = element("textarea", { "aria-label": "Your message", rows: "3" });
    field.value = this.message.content;
    const save = () => {
      const text = field.value.trim();
      if (text) {
        this.actions.edit(text);
      }
    };
    const cancel = () => {
      this.show();
      this.root.querySelector("button")?.focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        cancel();
      }
    });
    this.root.replaceChildren(
      field,
      element(
        "div",
        { class: "tools shown" },
        button("Cancel", "quiet", cancel),
        button("Ask again", "button small", save),
      ),
    );
    field.focus();
  }
}

/** What the model wrote, with how it went. */
export class AnswerView {
  /**
   * @param {Message} message
   * @param {MessageActions} actions
   */
  constructor(message, actions) {
    this.message = message;
    this.body = element("div", { class: "markdown" });
    this.markdown = new MarkdownView(this.body);
    this.waiting = element("p", { class: "waiting" });
    this.error = element("div", { class: "error", role: "alert" });
    this.note = element("span", { class: "note" });
    this.tools = element("div", { class: "tools" });
    this.actions = actions;
    this.root = element(
      "article",
      { class: "message assistant", "aria-label": "Answer" },
      this.body,
      this.waiting,
      this.error,
      element("footer", {}, this.note, this.tools),
    );
    this.update(null);
  }

  /**
   * Shows what there is.
   *
   * @param {string | null} progress how the running answer does, null when it is over
   * @returns {number} blocks that are shown
   */
  update(progress) {
    const { content, error, note } = this.message;
    const running = progress !== null;
    this.root.setAttribute("aria-busy", String(running));
    this.root.classList.toggle("running", running);
    const blocks = this.markdown.update(content);
    this.waiting.hidden = !running || content !== "";
    this.waiting.textContent = progress ?? "";
    this.note.textContent = running ? (content && progress) || "" : (note ?? "");
    this.error.hidden = !error;
    if (error && this.error.childNodes.length === 0) {
      this.error.append(
        element("p", {}, error),
        button("Try again", "button small", () => this.actions.regenerate()),
      );
    }
    this.tools.replaceChildren(...(running ? [] : this.toolButtons()));
    return blocks;
  }

  toolButtons() {
    const { content, error } = this.message;
    const copy = () => navigator.clipboard.writeText(content);
    const again = () => this.actions.regenerate();
    return [
      // Browsers have a clipboard only for pages of localhost or over TLS.
      ...(navigator.clipboard && content ? [button("Copy", "quiet", copy, "Copy this answer")] : []),
      ...(error ? [] : [button("Regenerate", "quiet", again, "Make this answer anew")]),
    ];
  }
}
