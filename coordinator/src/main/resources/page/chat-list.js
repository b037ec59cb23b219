/** The chats of this browser, beside the one that is open. */

import { button, byId, element } from "./dom.js";
import { deleteChat, loadChats, onChatsChanged } from "./history.js";

export class ChatList {
  /**
   * @param {(id: string) => void} onOpen
   * @param {(id: string | null) => void} onDelete told after one was deleted, null for all
   */
  constructor(onOpen, onDelete) {
    this.onOpen = onOpen;
    this.onDelete = onDelete;
    this.list = byId("chat-list");
    this.openId = "";
    this.deleteAll = byId("delete-all");
    this.deleteAll.addEventListener("click", () => this.clear());
    onChatsChanged(() => this.show(this.openId));
  }

  /** @param {string} openId the chat that is open */
  show(openId) {
    this.openId = openId;
    const chats = loadChats();
    this.list.replaceChildren(...chats.map((chat) => this.entry(chat)));
    this.deleteAll.hidden = chats.length === 0;
  }

  entry(chat) {
    const open = button(chat.title, "open", () => this.onOpen(chat.id));
    if (chat.id === this.openId) {
      open.setAttribute("aria-current", "true");
    }
    const remove = () => {
      deleteChat(chat.id);
      this.onDelete(chat.id);
    };
    return element("li", {}, open, button("×", "remove", remove, `Delete the chat ${chat.title}`));
  }

  clear() {
    const chats = loadChats();
    if (confirm(`Delete all ${chats.length} chats of this browser?`)) {
      chats.forEach((chat) => deleteChat(chat.id));
      this.onDelete(null);
    }
  }
}
