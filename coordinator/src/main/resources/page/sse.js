/** Server-sent events out of a response body (WHATWG HTML, section 9.2). */

/** Longest event: far above any token, far below what would hurt the browser. */
const MAX_EVENT_LENGTH = 1 << 20;

/**
 * @typedef {object} ServerEvent
 * @property {string} type "message" where the server names none
 * @property {string} data
 */

/**
 * The events of a body as they come; comments are skipped.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* serverEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return; // what is left was not ended by an empty line, so it is not an event
      }
      const events = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = events.pop() ?? "";
      if (rest.length > MAX_EVENT_LENGTH) {
        throw new Error("the server sent an event without an end");
      }
      for (const text of events) {
        const event = parse(text);
        if (event) {
          yield event;
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // it has ended already, or nobody reads it any more
  }
}

/**
 * @param {string} text the lines of one event
 * @returns {ServerEvent | null} null without data
 */
function parse(text) {
  let type = "message";
  const data = [];
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      type = value;
    } else if (field === "data") {
      data.push(value);
    }
  }
  return data.length > 0 ? { type, data: data.join("\n") } : null;
}
