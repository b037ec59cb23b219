/** The endpoint's HTTP API, with the key where it needs one. */

import { serverEvents } from "./sse.js";

const KEY = "kith.key";
const CLUSTER_TIMEOUT_MS = 6000;

/** An answer of the endpoint that is an error, in its own words. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status, 0 within a stream
   * @param {string | null} code such as "context_length_exceeded"
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @typedef {{role: string, content: string}} ChatMessage */

/**
 * @typedef {object} ChatRequest
 * @property {string} model
 * @property {ChatMessage[]} messages
 * @property {number} [temperature]
 * @property {number} [max_completion_tokens]
 */

/**
 * @typedef {object} ChatPart
 * @property {string} [text] the next part of the answer
 * @property {string} [finishReason] why it ended: "stop", "length"
 * @property {number} [completionTokens] tokens made
 */

export class Api {
  /** @param {(reason: string) => Promise<string>} askKey asks the user for the key */
  constructor(askKey) {
    this.askKey = askKey;
    /** @type {Promise<string> | null} the question under way, one for all requests */
    this.asking = null;
  }

  hasKey() {
    return sessionStorage.getItem(KEY) !== null;
  }

  forgetKey() {
    sessionStorage.removeItem(KEY);
  }

  /**
   * What the cluster does.
   *
   * @returns {Promise<any>} see ClusterHandler.Report
   */
  async cluster() {
    const response = await this.fetch("api/kith/cluster", {}, () =>
      AbortSignal.timeout(CLUSTER_TIMEOUT_MS),
    );
    return response.json();
  }

  /**
   * Streams an answer.
   *
   * @param {ChatRequest} request
   * @param {AbortSignal} signal ends it; the endpoint then stops the cluster
   * @returns {AsyncGenerator<ChatPart>}
   */
  async *chat(request, signal) {
    const init = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      }),
    };
    const response = await this.fetch("v1/chat/completions", init, () => signal);
    if (!response.body) {
      throw new Error("the endpoint sent no answer");
    }
    for await (const event of serverEvents(response.body)) {
      if (event.data === "[DONE]") {
        return;
      }
      const chunk = JSON.parse(event.data);
      if (chunk.error) {
        throw new ApiError(chunk.error.message, 0, chunk.error.code);
      }
      yield part(chunk);
    }
    throw new Error("the connection was lost before the answer was complete");
  }

  /**
   * Fetches with the key; asks for the key where the endpoint says that it needs one.
   *
   * @param {string} path
   * @param {RequestInit} init
   * @param {() => AbortSignal} signal ends an attempt; made anew for each
   * @returns {Promise<Response>} a success
   */
  async fetch(path, init, signal) {
    for (;;) {
      const key = sessionStorage.getItem(KEY);
      const headers = new Headers(init.headers);
      if (key !== null) {
        headers.set("Authorization", `Bearer ${key}`);
      }
      const response = await fetch(path, {
        ...init,
        headers,
        signal: signal(),
        cache: "no-store",
      });
      if (response.ok) {
        return response;
      }
      const error = await readError(response);
      if (response.status !== 401) {
        throw error;
      }
      if (key === sessionStorage.getItem(KEY)) {
        await this.renewKey(key === null ? "This endpoint needs an API key." : error.message);
      }
    }
  }

  /** @param {string} reason why it is asked */
  async renewKey(reason) {
    this.asking ??= this.askKey(reason).finally(() => (this.asking = null));
    sessionStorage.setItem(KEY, await this.asking);
  }
}

/**
 * @param {any} chunk of type chat.completion.chunk
 * @returns {ChatPart}
 */
function part(chunk) {
  const choice = chunk.choices[0];
  return {
    text: choice?.delta?.content ?? undefined,
    finishReason: choice?.finish_reason ?? undefined,
    completionTokens: chunk.usage?.completion_tokens,
  };
}

/**
 * @param {Response} response not a success
 * @returns {Promise<ApiError>}
 */
async function readError(response) {
  const body = await response.json().catch(() => null); // a proxy's page, say
  const message = body?.error?.message ?? `the endpoint answered with status ${response.status}`;
  return new ApiError(message, response.status, body?.error?.code ?? null);
}
