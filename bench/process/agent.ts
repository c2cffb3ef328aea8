/** The listening side of a conversation: what a recipient's agent does with its messages. */
import { setTimeout as pause } from "node:timers/promises";
import type { Peer } from "hikyaku";

/** What has been heard so far. */
interface Heard {
  readonly count: number;
  /** When the last one was handled, on the clock that all processes of a machine share. */
  readonly lastAtUs: number;
}

/** How many messages one word back is good for. */
export const creditEvery = 64;
const pageMax = 1000;
const emptyPauseMs = 1;
const tasksAtOnce = 1024;

/** Microseconds on the machine's monotonic clock. */
export const clockUs = (): number => Number(process.hrtime.bigint() / 1000n);

export interface Agent {
  echo(): void;
  count(): void;
  countWithCredit(): void;
  heard(): Heard;
  read(): void;
  stopReading(): Promise<void>;
  work(): Promise<void>;
}

export interface Watch {
  /** Microseconds of processor time so far. */
  spent(): number;
  stats(): Readonly<Record<string, number>>;
}

export const watchOf = (running: () => Peer): Watch => ({
  spent: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  stats: () => running().stats(),
});

export function agentOf(running: () => Peer): Agent {
  let heard: Heard = { count: 0, lastAtUs: 0 };
  let reading: { isOver: boolean; readonly done: Promise<void> } | undefined;
  const note = (): number => {
    heard = { count: heard.count + 1, lastAtUs: clockUs() };
    return heard.count;
  };
  return {
    /** Tells everything back. */
    echo: () => running().on("message", ({ from, body }) => running().tell(from.did, body)),
    count: () => running().on("message", () => void note()),
    /** Tells the speaker now and then how much was heard. */
    countWithCredit: () =>
      running().on("message", async ({ from }) => {
        const count = note();
        if (count % creditEvery === 0) await running().tell(from.did, { json: count });
      }),
    heard: () => heard,
    /** Reads the inbox page by page and says of every message that it was handled. */
    read: () => {
      const state = { isOver: false, done: Promise.resolve() };
      state.done = readOn(running(), state);
      reading = state;
    },
    stopReading: async () => {
      if (reading === undefined) return;
      reading.isOver = true;
      await reading.done;
    },
    /** Gives back what it is given, as many tasks at once as there are. */
    work: () => running().capability("echo", { concurrency: tasksAtOnce }, ({ input }) => input),
  };
}

async function readOn(peer: Peer, state: { readonly isOver: boolean }): Promise<void> {
  while (!state.isOver) {
    const page = await peer.inbox({ unread: true, limit: pageMax });
    if (page.length === 0) await pause(emptyPauseMs);
    else await peer.acknowledge(page);
  }
}
