/** The chat that is open: its messages, and the answer under way. */

import { Announcer } from "./announcer.js";
import { Answer } from "./answer.js";
import { byId, element } from "./dom.js";
import { duration } from "./format.js";
import { loadChat, newChat, saveChat } from "./history.js";
import { AnswerView, UserMessageView } from "./message-view.js";
import { loadSettings } from "./settings.js";

const TITLE_LENGTH = 60;

/** Pixels from the end within which the page follows an answer. */
const FOLLOW_WITHIN = 80;

/** How often a running answer is kept, in case the page is closed meanwhile. */
const SAVE_MS = 2000;

/** @typedef {import("./history.js").Chat} Chat */

export class ChatView {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./status.js").ClusterPoller} poller
   * @param {() => void} onChange told when the chat was kept
   */
  constructor(api, poller, onChange) {
    this.api = api;
    this.poller = poller;
    this.onChange = onChange;
    this.messages = byId("messages");
    this.scroller = byId("scroller");
    this.announcer = new Announcer();
    /** @type {Chat} */
    this.chat = newChat();
    /** @type {(UserMessageView | AnswerView)[]} */
    this.views = [];
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {(running: boolean) => void} told when an answer begins and ends */
    this.onRunning = () => {};
    this.show();
  }

  /** @param {Chat} chat opened in place of the one that is */
  open(chat) {
    this.stop();
    this.chat = chat;
    this.show();
  }

  /** @param {string} text the user's next message */
  send(text) {
    this.chat.messages.push({ role: "user", content: text });
    if (this.chat.messages.length === 1) {
      this.chat.title = text.replace(/\s+/g, " ").slice(0, TITLE_LENGTH);
    }
    this.show();
    this.ask();
  }

  stop() {
    this.answer?.stop();
  }

  /** @returns {UserMessageView | undefined} the newest that the user wrote */
  lastOwn() {
    return this.views.findLast((view) => view instanceof UserMessageView);
  }

  /**
   * Goes on from a message of the user's, without those after it.
   *
   * @param {number} index which one
   * @param {string} text its text from now on
   */
  askFrom(index, text) {
    if (this.answer) {
      return;
    }
    this.chat.messages.length = index + 1;
    this.chat.messages[index].content = text;
    this.show();
    this.ask();
  }

  show() {
    this.views = this.chat.messages.map((message, index) => this.view(message, index));
    this.messages.replaceChildren(...this.views.map((view) => view.root));
    if (this.views.length === 0) {
      this.messages.append(emptyState());
    }
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /**
   * @param {import("./history.js").Message} message
   * @param {number} index its place in the chat
   */
  view(message, index) {
    const question = index - 1;
    return message.role === "user"
      ? new UserMessageView(message, {
          edit: (text) => this.askFrom(index, text),
          regenerate: () => {},
        })
      : new AnswerView(message, {
          edit: () => {},
          regenerate: () => this.askFrom(question, this.chat.messages[question].content),
        });
  }

  /** Lets the model answer the last message. */
  async ask() {
    const chat = this.chat;
    const message = { role: /** @type {const} */ ("assistant"), content: "" };
    const messages = prompt(chat.messages);
    chat.messages.push(message);
    const view = /** @type {AnswerView} */ (this.view(message, chat.messages.length - 1));
    this.views.push(view);
    this.messages.append(view.root);
    this.keep(chat);

    let drawn = true;
    const draw = () => {
      drawn = true;
      const follow = this.isAtEnd();
      const blocks = view.update(answer.done ? null : this.progress(answer));
      this.announcer.tell(view.body, answer.done ? blocks : blocks - 1);
      if (follow) {
        this.scroller.scrollTop = this.scroller.scrollHeight;
      }
    };
    const answer = new Answer(this.api, message, () => {
      if (drawn) {
        drawn = false;
        requestAnimationFrame(draw); // no more often than the screen is
      }
    });
    this.answer = answer;
    this.running(true);
    this.announcer.begin("The model is answering.");
    this.scroller.scrollTop = this.scroller.scrollHeight;
    draw();
    const ticks = setInterval(draw, 500);
    const saves = setInterval(() => this.keep(chat), SAVE_MS);

    await this.run(answer, messages);

    clearInterval(ticks);
    clearInterval(saves);
    this.answer = null;
    draw();
    this.announcer.end(message.error ? "" : "End of the answer.");
    this.keep(chat);
    this.running(false);
  }

  /** @param {Answer} answer */
  async run(answer, messages) {
    const { temperature, maxTokens } = loadSettings();
    await answer.run(async () => ({
      model: await this.poller.model(),
      messages,
      ...(temperature === null ? {} : { temperature }),
      ...(maxTokens === null ? {} : { max_completion_tokens: maxTokens }),
    }));
  }

  /** @param {Answer} answer */
  progress(answer) {
    if (answer.parts > 0) {
      return `${answer.rate().toFixed(1)} tokens/s`;
    }
    return `${this.poller.waitingFor()} · ${duration(answer.waitedMs())}`;
  }

  running(running) {
    this.messages.classList.toggle("running", running);
    this.onRunning(running);
  }

  /** @param {Chat} chat kept, unless the user has deleted it while it was answered */
  keep(chat) {
    if (chat !== this.chat && !loadChat(chat.id)) {
      return;
    }
    chat.updated = Date.now();
    if (!saveChat(chat)) {
      this.announcer.end("This chat is too long to be kept in the browser.");
    }
    this.onChange();
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < FOLLOW_WITHIN;
  }
}

/**
 * What the model is sent: questions that were not answered are no part of the talk.
 *
 * @param {import("./history.js").Message[]} messages the last one is the user's
 * @returns {import("./api.js").ChatMessage[]}
 */
function prompt(messages) {
  const { system } = loadSettings();
  const sent = system.trim() ? [{ role: "system", content: system }] : [];
  messages.forEach(({ role, content }, index) => {
    const next = messages[index + 1];
    const unanswered = role === "user" && next && !next.content;
    if (content && !unanswered) {
      sent.push({ role, content });
    }
  });
  return sent;
}

function emptyState() {
  return element(
    "div",
    { class: "empty" },
    element("h1", {}, "What is on your mind?"),
    element("p", {}, "Your own devices answer. Nothing you write leaves them."),
  );
}
