/** The two dialogs: settings, and the API key. */

import { byId } from "./dom.js";
import { loadSettings, saveSettings } from "./settings.js";

/**
 * Asks for the key until there is one.
 *
 * @param {string} reason why it is asked
 * @returns {Promise<string>}
 */
export function askKey(reason) {
  const dialog = byId("key-dialog");
  const field = byId("key");
  byId("key-reason").textContent = reason;
  field.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => dialog.showModal(); // Escape: but nothing works without a key
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      dialog.onclose = null;
      dialog.close();
      resolve(field.value.trim());
    };
  });
}

/** @param {import("./api.js").Api} api */
export function openSettings(api) {
  const dialog = byId("settings-dialog");
  const { system, temperature, maxTokens } = loadSettings();
  byId("system").value = system;
  byId("temperature").value = temperature ?? "";
  byId("max-tokens").value = maxTokens ?? "";
  byId("forget-key").hidden = !api.hasKey();
  byId("forget-key").onclick = () => {
    api.forgetKey();
    dialog.close();
  };
  dialog.querySelector("[data-close]").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    saveSettings({
      system: byId("system").value,
      temperature: number(byId("temperature")),
      maxTokens: number(byId("max-tokens")),
    });
    dialog.close();
  };
  dialog.showModal();
}

/** @returns {number | null} null for an empty field */
function number(field) {
  return field.value === "" ? null : field.valueAsNumber;
}
