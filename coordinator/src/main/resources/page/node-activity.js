/** What the nodes did between two looks at counters that only grow. It touches no DOM. */

/** Milliseconds of work below which a node counts as idle; keep-alives take a few. */
const ACTIVE_MS = 20;

/** @typedef {import("./cluster-view.js").Split} Split */

export class NodeActivity {
  constructor() {
    this.epoch = 0;
    /** @type {Map<number, Split>} totals by process */
    this.totals = new Map();
    /** @type {Map<number, Split>} the newest difference that was work, by process */
    this.recent = new Map();
  }

  /** @param {any} report see ClusterHandler.Report */
  add(report) {
    if (report.epoch !== this.epoch) {
      this.epoch = report.epoch; // with a new plan all counters begin again
      this.totals.clear();
      this.recent.clear();
    }
    for (const { pid, used } of report.nodes) {
      if (!used) {
        continue;
      }
      const now = total(used);
      const before = this.totals.get(pid);
      const difference = before && {
        computeMs: now.computeMs - before.computeMs,
        networkMs: now.networkMs - before.networkMs,
        diskMs: now.diskMs - before.diskMs,
      };
      if (difference && sum(difference) >= ACTIVE_MS) {
        this.recent.set(pid, difference);
      } else if (before) {
        this.recent.delete(pid);
      }
      this.totals.set(pid, now);
    }
  }

  /**
   * @param {any} node of the newest report
   * @returns {{split: Split | null, recent: boolean}} what it did since the look before; if that is
   *     nothing, since its plan began
   */
  of(node) {
    const recent = this.recent.get(node.pid);
    return { split: recent ?? (node.used ? total(node.used) : null), recent: recent !== undefined };
  }
}

/** @returns {Split} */
function total(used) {
  return {
    computeMs: used.compute_ms,
    networkMs: used.collective_ms,
    diskMs: used.disk_wait_ms,
  };
}

/** @param {Split} split */
function sum(split) {
  return split.computeMs + split.networkMs + split.diskMs;
}
