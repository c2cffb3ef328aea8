/** Hears of changes at the peer and tells whoever serves an agent, once for all that came together. */
import { setTimeout as pause } from "node:timers/promises";
import type { Control } from "./control.ts";
import { changesAfter, type Subject } from "./waiting.ts";

/** How long one question hangs at the peer. */
const waitMs = 30_000;
/** An agent that is told more often gains nothing by it. */
const restMs = 250;
/** How long to rest where the peer is down, before it is asked again. */
const downMs = 2_000;

/** Runs until the signal aborts. What happened before it began is told to nobody. */
export async function hearChanges(control: Control, changed: (subject: Subject) => void, signal: AbortSignal): Promise<void> {
  let cursor: number | undefined;
  while (!signal.aborted) {
    try {
      const news = await changesAfter(control, cursor ?? 0, cursor === undefined ? 0 : waitMs, signal);
      if (cursor !== undefined) for (const subject of news.subjects) changed(subject);
      cursor = news.cursor;
      await rest(restMs, signal);
    } catch {
      await rest(downMs, signal);
    }
  }
}

/** Ends early, and without complaint, where the signal aborts. */
const rest = (ms: number, signal: AbortSignal): Promise<void> => pause(ms, undefined, { signal }).catch(() => undefined);
