/** Asks again and again how the cluster does, while somebody looks. */

import { counted } from "./format.js";

const WATCHED_MS = 1000;
const IDLE_MS = 10_000;

/**
 * What is known of the cluster.
 *
 * @typedef {object} ClusterState
 * @property {any | null} report of the last request that worked, see ClusterHandler.Report
 * @property {string | null} error why the newest request did not
 */

export class ClusterPoller {
  /**
   * @param {import("./api.js").Api} api
   * @param {(state: ClusterState) => void} listener told of each answer
   */
  constructor(api, listener) {
    this.api = api;
    this.listener = listener;
    /** @type {ClusterState} */
    this.state = { report: null, error: null };
    this.watched = false;
    this.timer = 0;
    /** @type {Promise<void> | null} */
    this.asking = null;
    document.addEventListener("visibilitychange", () => this.poll());
  }

  /** @param {boolean} watched whether every second counts */
  watch(watched) {
    this.watched = watched;
    this.poll();
  }

  /** Asks now, and then at the pace. */
  poll() {
    clearTimeout(this.timer);
    if (document.visibilityState !== "visible") {
      return;
    }
    this.ask().then(() => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.poll(), this.watched ? WATCHED_MS : IDLE_MS);
    });
  }

  /** @returns {Promise<void>} one question at a time */
  ask() {
    this.asking ??= this.api
      .cluster()
      .then(
        (report) => (this.state = { report, error: null }),
        (error) => (this.state = { ...this.state, error: reason(error) }),
      )
      .then(() => {
        this.asking = null;
        this.listener(this.state);
      });
    return this.asking;
  }

  /** @returns {Promise<string>} the name of the model that is served */
  async model() {
    if (!this.state.report) {
      await this.ask();
    }
    if (!this.state.report) {
      throw new Error(this.state.error ?? "the endpoint does not answer");
    }
    return this.state.report.model;
  }

  /** @returns {string} what an answer without a token waits for, as far as is known */
  waitingFor() {
    const report = this.state.report;
    if (report && report.phase !== "ready") {
      return "Waiting for the cluster to be ready again";
    }
    return report?.queued > 0
      ? `Waiting in the queue of ${counted(report.queued, "request")}`
      : "Reading the prompt";
  }
}

/**
 * @param {ClusterState} state
 * @returns {{state: string, text: string}} for the line at the top
 */
export function summary({ report, error }) {
  if (error) {
    return { state: "bad", text: "not reachable" };
  }
  if (!report) {
    return { state: "connecting", text: "connecting" };
  }
  const nodes = counted(report.nodes.length, "node");
  if (report.phase !== "ready") {
    return { state: "busy", text: `${report.phase} · ${nodes}` };
  }
  return report.lost.length > 0
    ? { state: "warn", text: `ready · ${nodes}, ${report.lost.length} lost` }
    : { state: "good", text: `ready · ${nodes}` };
}

/** @param {any} error */
function reason(error) {
  return error.status ? error.message : "The endpoint does not answer.";
}
