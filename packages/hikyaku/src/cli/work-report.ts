/** What whoever serves sees of it: for whom it is, and a line when a task begins and when it has ended. */
import type { ServedTask } from "../serving/run.ts";
import { visible } from "../text/visible.ts";
import { shortTime, type Terminal } from "./terminal.ts";
import type { WorkshopEars } from "./workshop.ts";

/** `what` says which task it is, besides its id. */
export function workReport(terminal: Terminal, what: (task: ServedTask) => string): WorkshopEars["report"] {
  return async (task, state, ms) => {
    const took = ms === undefined ? "" : ` ${(ms / 1000).toFixed(1)} s`;
    const { id, from, capability } = task;
    await terminal.show(visible(`${shortTime(Date.now())}  ${id}  ${what(task)}  ${state}${took}`), { task: id, from, capability, state });
  };
}

export const inWords = (peers: readonly string[] | undefined): string =>
  peers === undefined ? "everybody who may delegate" : peers.join(", ");
