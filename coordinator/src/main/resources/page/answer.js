/** One answer as it is made: asks the endpoint and measures. It touches no DOM. */

import { ApiError } from "./api.js";
import { counted, duration } from "./format.js";

/** @typedef {import("./history.js").Message} Message */

export class Answer {
  /**
   * @param {import("./api.js").Api} api
   * @param {Message} message filled as text comes
   * @param {() => void} onChange told of each change
   */
  constructor(api, message, onChange) {
    this.api = api;
    this.message = message;
    this.onChange = onChange;
    this.abort = new AbortController();
    this.startMs = performance.now();
    this.firstMs = 0;
    this.lastMs = 0;
    this.parts = 0;
    /** How it ended, where that is not by itself. */
    this.ending = "";
    this.done = false;
  }

  /** Ends it; the cluster stops within a layer. */
  stop() {
    this.abort.abort();
  }

  /** @returns {number} milliseconds since the question was sent */
  waitedMs() {
    return performance.now() - this.startMs;
  }

  /** @returns {number} parts per second since the first; a part is a token, but for held text */
  rate() {
    const seconds = (performance.now() - this.firstMs) / 1000;
    return this.parts > 1 && seconds > 0 ? (this.parts - 1) / seconds : 0;
  }

  /**
   * Runs to the end, good or bad; the message then tells which.
   *
   * @param {() => Promise<import("./api.js").ChatRequest>} request
   */
  async run(request) {
    try {
      for await (const part of this.api.chat(await request(), this.abort.signal)) {
        this.take(part);
      }
    } catch (error) {
      if (this.abort.signal.aborted) {
        this.message.note = this.summary("stopped");
      } else {
        this.message.error = explain(error);
      }
    }
    this.done = true;
    this.onChange();
  }

  /** @param {import("./api.js").ChatPart} part */
  take(part) {
    if (part.text) {
      this.parts++;
      this.firstMs ||= performance.now();
      this.lastMs = performance.now();
      this.message.content += part.text;
    }
    if (part.finishReason) {
      this.ending = part.finishReason === "length" ? "cut at its longest" : "";
    }
    if (part.completionTokens !== undefined) {
      this.message.note = this.summary(this.ending, part.completionTokens);
    }
    this.onChange();
  }

  /**
   * @param {string} ending how it ended, empty if by itself
   * @param {number} [tokens] how many the endpoint counted
   * @returns {string} for the user
   */
  summary(ending, tokens = this.parts) {
    if (!this.firstMs) {
      return ending;
    }
    const seconds = (this.lastMs - this.firstMs) / 1000;
    const rate = tokens > 1 && seconds > 0 ? `${((tokens - 1) / seconds).toFixed(1)} tokens/s` : "";
    const first = `first token after ${duration(this.firstMs - this.startMs)}`;
    return [counted(tokens, "token"), first, rate, ending].filter(Boolean).join(" · ");
  }
}

/**
 * @param {unknown} error
 * @returns {string} for the user
 */
function explain(error) {
  if (error instanceof ApiError) {
    return error.message;
  }
  // Browsers tell of any lost connection as a TypeError, in words of their own.
  return error instanceof TypeError
    ? "The endpoint does not answer. Is KithLM still running on its machine?"
    : String(/** @type {Error} */ (error).message);
}
