/** `hikyaku watch`: tells when peers fall silent or are heard again and what they say of how they are, and calls the silent ones to come up where it is asked to. */
import { setTimeout as pause } from "node:timers/promises";
import { HikyakuError } from "@hikyaku/protocol";
import { type Call, segment, withPeer } from "../call.ts";
import type { ControlClient } from "../control-client.ts";
import { NotRunning } from "../not-running.ts";
import type { Receipt } from "../receipt.ts";
import type { Terminal } from "../terminal.ts";
import { isWakeDue, type News, type Presence, type Sight, saying, see, unseen, type WatchedPeer } from "../watched-peer.ts";

export interface WatchOptions {
  readonly peers: readonly string[];
  /** Whether to call silent ones to come up. */
  readonly wake: boolean;
  /** Ends as soon as one of them is so. */
  readonly until?: Presence;
  readonly timeoutMs?: number;
}

/** Between two looks. */
const pauseMs = 500;
/** How long a call to come up may hold up the next look. */
const wakePatienceMs = 5_000;

/** Watches until Ctrl-C, unless told otherwise. Rejects with TIMED_OUT where what it waited for did not come. */
export async function watch(call: Call, options: WatchOptions): Promise<void> {
  const { until, timeoutMs = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + timeoutMs;
  let watched = options.peers.map(unseen);
  await withPeer(call, async (control) => {
    for (;;) {
      watched = await lookAtAll(watched, { control, terminal: call.terminal, wakes: options.wake });
      if (until !== undefined && watched.some(({ presence }) => presence === until)) return;
      if (performance.now() >= end) return expire(options);
      await pause(Math.min(pauseMs, Math.max(end - performance.now(), 0)));
    }
  });
}

function expire({ peers, until, timeoutMs = 0 }: WatchOptions): void {
  if (until === undefined) return;
  throw new HikyakuError("TIMED_OUT", `${peers.join(", ")} did not become ${until} within ${timeoutMs / 1000} s.`);
}

interface Watch {
  readonly control: ControlClient;
  readonly terminal: Terminal;
  readonly wakes: boolean;
}

async function lookAtAll(watched: readonly WatchedPeer[], watch: Watch): Promise<WatchedPeer[]> {
  const seen: WatchedPeer[] = [];
  for (const peer of watched) seen.push(await lookAt(peer, watch));
  return seen;
}

async function lookAt(before: WatchedPeer, { control, terminal, wakes }: Watch): Promise<WatchedPeer> {
  const isFirst = before.presence === undefined;
  // What it said before somebody looked is old news, but for the last of it.
  const sight = await control.get<Sight>(`/peers/${segment(before.name)}/status?${isFirst ? "limit=1" : `after=${before.position}`}`);
  const now = Date.now();
  const { after, news } = see(before, sight, now);
  for (const one of news) await terminal.show(`${clockTime(one.at)}  ${textOf(sight.name, one)}`, { peer: sight.name, ...one });
  if (!wakes || !isWakeDue(after, now)) return after;
  await callUp(sight.name, { control, terminal });
  return { ...after, wokenAt: now, isWoken: true };
}

/** A refusal is news like any other: whoever watches goes on. */
async function callUp(name: string, { control, terminal }: Pick<Watch, "control" | "terminal">): Promise<void> {
  const told = { peer: name, event: "wake", at: Date.now() };
  try {
    const { id, stage, problem } = await control.post<Receipt>(`/peers/${segment(name)}/wake`, { timeoutMs: wakePatienceMs });
    const why = problem === undefined ? "" : ` (${problem})`;
    await terminal.show(`${clockTime(told.at)}  ${name} called to come up: ${stage}${why}`, { ...told, id, stage });
  } catch (error) {
    if (!(error instanceof HikyakuError) || error instanceof NotRunning) throw error;
    const { code, message } = error;
    await terminal.show(`${clockTime(told.at)}  ${name} not called to come up: ${message}`, { ...told, error: { code, message } });
  }
}

function textOf(name: string, news: News): string {
  if (news.event === "status") return `${name} says: ${saying(news)}`;
  const heard = news.presence === "silent" && news.heardAt !== undefined ? `, last heard ${clockTime(news.heardAt)}` : "";
  return `${name} ${news.presence}${heard}`;
}

const clockTime = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);
