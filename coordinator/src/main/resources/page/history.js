/**
 * The chats, kept in this browser only: one entry of localStorage each, so that two tabs do not
 * overwrite one another's.
 */

const PREFIX = "kith.chat.";
const MAX_CHATS = 50;

/** Of all chats, in UTF-16 units; browsers give a site about 5 MB. */
const MAX_LENGTH = 2_000_000;

/**
 * @typedef {object} Message
 * @property {"user" | "assistant"} role
 * @property {string} content
 * @property {string} [error] why the answer is not whole, for the user
 * @property {string} [note] how it went, for the user
 */

/**
 * @typedef {object} Chat
 * @property {string} id
 * @property {string} title
 * @property {number} updated milliseconds of the epoch
 * @property {Message[]} messages
 */

/** @returns {Chat} one that is not kept before it has a message */
export function newChat() {
  // crypto.randomUUID needs a secure context, which http://192.168.1.10 is not.
  const id = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");
  return { id, title: "New chat", updated: Date.now(), messages: [] };
}

/** @returns {Chat[]} the newest first */
export function loadChats() {
  const chats = [];
  for (const key of Object.keys(localStorage)) {
    const chat = key.startsWith(PREFIX) ? read(key) : null;
    if (chat) {
      chats.push(chat);
    }
  }
  return chats.sort((a, b) => b.updated - a.updated);
}

/**
 * @param {string} id
 * @returns {Chat | null}
 */
export function loadChat(id) {
  return read(PREFIX + id);
}

/**
 * Keeps a chat; the oldest others go where there is no room.
 *
 * @param {Chat} chat
 * @returns {boolean} false if it is too large to be kept
 */
export function saveChat(chat) {
  const text = JSON.stringify(chat);
  const others = loadChats().filter((other) => other.id !== chat.id);
  let length = others.reduce((sum, other) => sum + JSON.stringify(other).length, text.length);
  while (others.length >= MAX_CHATS || (length > MAX_LENGTH && others.length > 0)) {
    length -= JSON.stringify(others.at(-1)).length;
    deleteChat(/** @type {Chat} */ (others.pop()).id);
  }
  for (;;) {
    try {
      localStorage.setItem(PREFIX + chat.id, text);
      return true;
    } catch {
      const oldest = others.pop(); // the browser's own limit
      if (!oldest) {
        return false;
      }
      deleteChat(oldest.id);
    }
  }
}

/** @param {string} id */
export function deleteChat(id) {
  localStorage.removeItem(PREFIX + id);
}

/** @param {() => void} listener told when another tab changes a chat */
export function onChatsChanged(listener) {
  addEventListener("storage", (event) => {
    if (event.key === null || event.key.startsWith(PREFIX)) {
      listener();
    }
  });
}

/**
 * @param {string} key
 * @returns {Chat | null}
 */
function read(key) {
  try {
    const chat = JSON.parse(localStorage.getItem(key) ?? "null");
    return Array.isArray(chat?.messages) ? chat : null;
  } catch {
    return null; // no JSON of ours
  }
}
