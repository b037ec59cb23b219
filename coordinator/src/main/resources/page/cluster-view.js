/** The cluster: what it does, its nodes, and where their time goes. */

import { byId, element } from "./dom.js";
import { bytes, counted, duration, percent } from "./format.js";
import { NodeActivity } from "./node-activity.js";

/** @typedef {{computeMs: number, networkMs: number, diskMs: number, otherMs?: number}} Split */

const PARTS = /** @type {const} */ ([
  ["computeMs", "compute"],
  ["networkMs", "network"],
  ["diskMs", "disk"],
  ["otherMs", "other"],
]);

const PHASES = {
  ready: "Ready",
  gathering: "Waiting for nodes",
  retrying: "Trying again soon",
  loading: "Loading weights",
  connecting: "Connecting",
  starting: "Starting",
};

export class ClusterView {
  constructor() {
    this.root = byId("cluster");
    this.activity = new NodeActivity();
    this.root.append(element("p", { class: "loading" }, "Asking the cluster …"));
  }

  /** @param {import("./status.js").ClusterState} state */
  update({ report, error }) {
    if (!report) {
      this.root.replaceChildren(banner(error ?? ""));
      return;
    }
    this.activity.add(report);
    this.root.replaceChildren(
      ...(error ? [banner(`${error} Shown is what was known last.`)] : []),
      element("h1", {}, report.model),
      element(
        "p",
        { class: "subtitle" },
        `${counted(report.nodes.length, "node")} · every layer is shared by all that are ready · ` +
          `context of ${report.context_length.toLocaleString("en")} tokens`,
      ),
      element("div", { class: "tiles" }, state(report), speed(report), firstToken(report), plan(report)),
      element("h2", {}, "Nodes"),
      element(
        "ul",
        { class: "nodes" },
        ...report.nodes.map((node) => this.node(node)),
        ...report.lost.map(lost),
      ),
    );
  }

  node(node) {
    const used = node.used;
    const { split, recent } = this.activity.of(node);
    return element(
      "li",
      { class: "node", "data-name": node.name, "data-state": node.state },
      head(node, node.state),
      share(node.share),
      node.share_reason ? element("p", { class: "reason" }, node.share_reason) : null,
      facts([
        ["Memory, peak", used && used.rss_peak_bytes > 0 ? bytes(used.rss_peak_bytes) : "–"],
        ["Weights in it", bytes(used ? used.weights_resident_bytes : node.resident_bytes)],
        ["Read from disk", used ? bytes(used.weights_streamed_bytes) : "–"],
      ]),
      split ? splitBar(recent ? "Time, now" : "Time since the plan began", split) : null,
      node.last_error ? element("p", { class: "error" }, node.last_error) : null,
    );
  }
}

function banner(text) {
  return element("p", { class: "error", role: "alert" }, text);
}

function tile(title, value, ...more) {
  return element(
    "section",
    { class: "tile" },
    element("h2", {}, title),
    element("p", { class: "value" }, value),
    ...more,
  );
}

function state(report) {
  const running = report.generation && report.generation.state !== "ended";
  const work = !running
    ? "No answer is being made."
    : report.generation.state === "prefill"
      ? `Reading a prompt of ${counted(report.generation.prompt_tokens, "token")}.`
      : `Writing: ${counted(report.generation.completion_tokens, "token")} so far.`;
  const queue = report.queued > 0 ? ` ${counted(report.queued, "request")} waiting.` : "";
  return tile("State", PHASES[report.phase] ?? report.phase, element("p", {}, work + queue));
}

function speed({ generation }) {
  if (!generation || generation.tokens_per_second === 0) {
    return tile("Speed", "–", element("p", {}, "Shown with the second token of an answer."));
  }
  return tile(
    generation.state === "ended" ? "Speed of the last answer" : "Speed",
    `${generation.tokens_per_second.toFixed(1)} tokens/s`,
    splitBar("Per token", split(generation.since_first_token, generation.completion_tokens - 1)),
  );
}

function firstToken({ generation }) {
  if (!generation) {
    return tile("First token", "–", element("p", {}, "Shown with the first answer."));
  }
  const parts = split(generation.until_first_token);
  const known = parts.computeMs + parts.networkMs + parts.diskMs;
  parts.otherMs = Math.max(0, generation.ttft_ms - known);
  return tile(
    generation.state === "prefill" ? "First token, so far" : "First token",
    duration(generation.ttft_ms),
    splitBar("Until then", parts),
  );
}

/** What the planner chose; why a node has its share is said beside it. */
function plan({ epoch, nodes, sums }) {
  const ranks = nodes.filter((node) => node.rank >= 0).length;
  const even = nodes.every((node) => !node.share_reason);
  const shares = ranks < 2 ? "One device does it all." : even ? "Equal shares." : "Shares by speed and memory.";
  return tile(
    `Plan ${epoch}`,
    ranks === nodes.length ? counted(ranks, "rank") : `${ranks} of ${counted(nodes.length, "node")}`,
    element("p", {}, sums ? `${shares} ${summing(sums)}` : shares),
  );
}

function summing({ choice, sealed, forms }) {
  if (forms.length === 0) {
    return "Nothing is to be summed.";
  }
  const all = new Set(forms.map(({ form }) => form));
  const how = all.size === 1 ? [...all][0] : forms.map(({ step, form }) => `${form} in ${step}`).join(", ");
  const why = choice === "auto" ? ", as links were measured" : "";
  const read = choice === "shared-memory" ? "" : sealed ? ", sealed" : ", not sealed";
  return `Sums: ${how}${why}${read}.`;
}

/** @returns {Split} the times, each divided */
function split(times, divisor = 1) {
  return {
    computeMs: times.compute_ms / divisor,
    networkMs: times.collective_ms / divisor,
    diskMs: times.disk_wait_ms / divisor,
  };
}

function lost(node) {
  const when = new Date(node.lost_at * 1000).toLocaleTimeString();
  return element(
    "li",
    { class: "node lost", "data-name": node.name, "data-state": "lost" },
    head(node, "lost"),
    element("p", {}, `Its process is gone since ${when}. The others go on without it.`),
  );
}

function head(node, state) {
  const rank = node.rank < 0 ? "no rank" : node.rank === 0 ? "rank 0, this device" : `rank ${node.rank}`;
  return element(
    "div",
    { class: "head" },
    element("h3", {}, node.name),
    element("span", { class: "badge", "data-state": state }, state),
    element("p", {}, `${rank} · ${node.address} · pid ${node.pid}`),
  );
}

function share(part) {
  const bar = element("span", { class: "filled" });
  bar.style.width = `${part * 100}%`;
  return element(
    "div",
    { class: "share" },
    element("span", {}, "Share"),
    element("span", { class: "meter", "aria-hidden": "true" }, bar),
    element("span", {}, percent(part)),
  );
}

function facts(pairs) {
  return element(
    "dl",
    {},
    ...pairs.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value)),
    ),
  );
}

/** A bar of where time went, and the same in words. */
function splitBar(title, parts) {
  const shown = PARTS.filter(([key]) => parts[key] !== undefined);
  const total = shown.reduce((sum, [key]) => sum + parts[key], 0);
  const bar = element("div", { class: "split", "aria-hidden": "true" });
  const legend = element("ul", { class: "legend" });
  for (const [key, name] of shown) {
    const piece = element("span", { class: name });
    piece.style.flexGrow = String(total > 0 ? parts[key] / total : 0);
    bar.append(piece);
    legend.append(element("li", { class: name }, `${name} ${duration(parts[key])}`));
  }
  return element("div", { class: "times" }, title ? element("p", {}, title) : null, bar, legend);
}
