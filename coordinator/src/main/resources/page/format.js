/** Numbers for people. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/**
 * @param {number} count
 * @returns {string} such as "1.4 GiB"
 */
export function bytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(unit > 0 && value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/**
 * @param {number} ms
 * @returns {string} such as "840 ms", "3.2 s" or "2 min 5 s"
 */
export function duration(ms) {
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  const seconds = ms / 1000;
  return seconds < 60
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/**
 * @param {number} part 0 to 1
 * @returns {string} such as "33 %"
 */
export function percent(part) {
  return `${Math.round(part * 100)} %`;
}

/**
 * @param {number} count
 * @param {string} noun in the singular
 * @returns {string} such as "1 node", "2 nodes"
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
