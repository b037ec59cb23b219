/** Puts the page together: the two views, the chats beside them, and what the keys do. */

import { Api } from "./api.js";
import { ChatList } from "./chat-list.js";
import { ChatView } from "./chat-view.js";
import { ClusterView } from "./cluster-view.js";
import { askKey, openSettings } from "./dialogs.js";
import { byId } from "./dom.js";
import { loadChat, newChat } from "./history.js";
import { currentTheme, saveSettings } from "./settings.js";
import { ClusterPoller, summary } from "./status.js";

/** The chat that a reload opens again, for each tab its own. */
const OPEN_CHAT = "kith.open";

const api = new Api(askKey);
const cluster = new ClusterView();
const poller = new ClusterPoller(api, showStatus);
const chat = new ChatView(api, poller, () => list.show(chat.chat.id));
const list = new ChatList(
  (id) => openChat(loadChat(id) ?? newChat()),
  (id) => (id === null || id === chat.chat.id ? openChat(newChat()) : list.show(chat.chat.id)),
);

const message = byId("message");
const send = byId("send");
const stop = byId("stop");

function showStatus(state) {
  const { state: name, text } = summary(state);
  byId("status").dataset.state = name;
  byId("status").textContent = text;
  message.placeholder = state.report ? `Message ${state.report.model}` : "Write a message";
  cluster.update(state);
}

// Views.

function showView() {
  const name = location.hash === "#cluster" ? "cluster" : "chat";
  for (const view of ["chat", "cluster"]) {
    byId(`view-${view}`).hidden = view !== name;
    byId(`tab-${view}`).ariaCurrent = view === name ? "page" : null;
  }
  document.title = name === "cluster" ? "Cluster – KithLM" : "KithLM";
  watch();
}

/** Every second counts in the cluster's view, and while an answer has yet to begin. */
function watch() {
  poller.watch(location.hash === "#cluster" || chat.answer !== null);
}

function openChat(opened) {
  chat.open(opened);
  sessionStorage.setItem(OPEN_CHAT, opened.id);
  list.show(opened.id);
  location.hash = "#chat";
  toggleSidebar(false);
  message.focus();
}

// The message box.

function fitMessage() {
  message.style.height = "auto";
  const borders = message.offsetHeight - message.clientHeight;
  message.style.height = `${message.scrollHeight + borders}px`;
  send.disabled = chat.answer !== null || message.value.trim() === "";
}

function submit() {
  const text = message.value.trim();
  if (text && !chat.answer) {
    message.value = "";
    sessionStorage.setItem(OPEN_CHAT, chat.chat.id);
    chat.send(text);
    fitMessage();
  }
}

chat.onRunning = (running) => {
  send.hidden = running;
  stop.hidden = !running;
  fitMessage();
  watch();
};

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

message.addEventListener("input", fitMessage);
message.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  } else if (event.key === "ArrowUp" && message.value === "" && !chat.answer) {
    event.preventDefault();
    chat.lastOwn()?.edit();
  }
});
stop.addEventListener("click", () => {
  chat.stop();
  message.focus();
});

// Keys, the bar, the sidebar.

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    chat.stop();
    toggleSidebar(false);
  }
});

function showTheme() {
  const theme = currentTheme();
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").ariaLabel = `Switch to ${theme === "dark" ? "light" : "dark"} colours`;
}

function toggleSidebar(open) {
  document.body.classList.toggle("sidebar-open", open);
  byId("menu").ariaExpanded = String(open);
  byId("shade").hidden = !open;
}

byId("theme").addEventListener("click", () => {
  saveSettings({ theme: currentTheme() === "dark" ? "light" : "dark" });
  showTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
byId("settings").addEventListener("click", () => openSettings(api));
byId("new-chat").addEventListener("click", () => openChat(newChat()));
byId("menu").addEventListener("click", () =>
  toggleSidebar(!document.body.classList.contains("sidebar-open")),
);
byId("shade").addEventListener("click", () => toggleSidebar(false));
addEventListener("hashchange", showView);

showTheme();
const kept = loadChat(sessionStorage.getItem(OPEN_CHAT) ?? "");
if (kept) {
  chat.open(kept);
}
list.show(chat.chat.id);
fitMessage();
showView();
message.focus();
