/**
 * Makes elements. Text only ever becomes text nodes, so nothing that a model or a user writes is
 * read as markup.
 */

/**
 * An element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag its name
 * @param {Record<string, string | boolean | EventListener | undefined>} [attributes] attributes;
 *     functions are listeners ("click"), true is an empty value, false and undefined leave it out
 * @param {...(Node | string | null | undefined)} children what is in it; nothing for null
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name, value);
    } else if (value !== false && value !== undefined) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * The element of the page with an id; a missing one is a fault of ours.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no element #${id}`);
  }
  return found;
}

/**
 * A button.
 *
 * @param {string} label what is written on it
 * @param {string} className
 * @param {() => void} action
 * @param {string} [longLabel] for screen readers, where the label needs its surroundings
 * @returns {HTMLButtonElement}
 */
export function button(label, className, action, longLabel) {
  return element(
    "button",
    { type: "button", class: className, click: action, "aria-label": longLabel },
    label,
  );
}
