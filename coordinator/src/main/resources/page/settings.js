/** What the user has chosen, kept in this browser. */

const KEY = "kith.settings";

/**
 * @typedef {object} Settings
 * @property {string} system system prompt, empty for none
 * @property {number | null} temperature null for the endpoint's default
 * @property {number | null} maxTokens null for what fits the context
 * @property {"light" | "dark" | null} theme null to follow the system
 */

/** @type {Settings} */
const DEFAULTS = { system: "", temperature: null, maxTokens: null, theme: null };

/** @returns {Settings} */
export function loadSettings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return DEFAULTS; // no JSON of ours
  }
}

/** @param {Partial<Settings>} changes */
export function saveSettings(changes) {
  localStorage.setItem(KEY, JSON.stringify({ ...loadSettings(), ...changes }));
}

/** @returns {"light" | "dark"} what is shown */
export function currentTheme() {
  const chosen = loadSettings().theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
