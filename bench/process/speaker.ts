/** The speaking side of a conversation: each way of speaking that a row measures. */
import { setImmediate as turn } from "node:timers/promises";
import type { Peer } from "hikyaku";
import { elapsedTime, median } from "../measure.ts";
import { clockUs, creditEvery } from "./agent.ts";
import { type Flight, keepInFlight } from "./in-flight.ts";

interface Speech {
  /** The name of the recipient. */
  readonly to: string;
  readonly textLength: number;
  readonly forMs: number;
}

type Sending = Speech & Flight;

/** What was said without waiting for a word back. */
interface Flood {
  readonly count: number;
  readonly beganAtUs: number;
}

/** Messages without credit that are under way: fewer bytes than a stream takes before it holds its sender up. */
const withoutCreditMax = 4 * creditEvery;

export interface Speaker {
  ask(speech: Speech): Promise<number>;
  tellApart(speech: Speech): Promise<number>;
  flood(speech: Speech): Promise<Flood>;
  tellOnce(speech: Omit<Speech, "forMs">): Promise<Flood>;
  send(sending: Sending): Promise<number>;
  delegate(sending: Sending): Promise<number>;
}

export function speakerOf(running: () => Peer): Speaker {
  return {
    ask: (speech) => ask(running(), speech),
    tellApart: (speech) => tellApart(running(), speech),
    flood: (speech) => flood(running(), speech),
    tellOnce: (speech) => tellOnce(running(), speech),
    send: (sending) => send(running(), sending),
    delegate: (sending) => delegate(running(), sending),
  };
}

const bodyOf = ({ textLength }: Pick<Speech, "textLength">): { readonly text: string } => ({ text: "x".repeat(textLength) });

/** What comes back is handed to whoever waits for it. A peer has one handler, so each keeps one ear. */
const ears = new WeakMap<Peer, { listen: (body: unknown) => void }>();

function earOf(peer: Peer): { listen: (body: unknown) => void } {
  const known = ears.get(peer);
  if (known !== undefined) return known;
  const ear = { listen: (_body: unknown): void => undefined };
  ears.set(peer, ear);
  peer.on("message", ({ body }) => ear.listen(body));
  return ear;
}

/** One question after another, each told back. Resolves with the median of the microseconds from the telling to the handler of the answer. */
async function ask(peer: Peer, { to, forMs, ...speech }: Speech): Promise<number> {
  const body = bodyOf(speech);
  const ear = earOf(peer);
  const taken: number[] = [];
  const whole = elapsedTime();
  while (whole() < forMs * 1000) {
    const answered = Promise.withResolvers<unknown>();
    ear.listen = answered.resolve;
    const elapsed = elapsedTime();
    await peer.tell(to, body);
    await answered.promise;
    taken.push(elapsed());
  }
  return median(taken);
}

/**
 * Messages that each have an envelope of their own: the next one is told in the next turn of the event loop, when the one before is on its way. The recipient's word back,
 * one for many messages, keeps the stream from filling up. Resolves with the microseconds for each message, until the last was handled.
 */
async function tellApart(peer: Peer, { to, forMs, ...speech }: Speech): Promise<number> {
  const body = bodyOf(speech);
  const ear = earOf(peer);
  const elapsed = elapsedTime();
  let [sent, handled, isWanted] = [0, 0, Promise.withResolvers<void>()];
  let first: number | undefined;
  ear.listen = (told) => {
    const count = (told as { readonly json: number }).json;
    // The recipient counts on from round to round, and every round sends whole credits.
    first ??= count - creditEvery;
    handled = count - first;
    isWanted.resolve();
    isWanted = Promise.withResolvers<void>();
  };
  while (elapsed() < forMs * 1000 || sent % creditEvery !== 0) {
    while (sent - handled >= withoutCreditMax) await isWanted.promise;
    await peer.tell(to, body);
    sent += 1;
    await turn();
  }
  while (handled < sent) await isWanted.promise;
  return elapsed() / sent;
}

/** As much as the link carries: each message is told as soon as there is room for it. */
async function flood(peer: Peer, { to, forMs, ...speech }: Speech): Promise<Flood> {
  const body = bodyOf(speech);
  const beganAtUs = clockUs();
  let count = 0;
  for (const until = beganAtUs + forMs * 1000; clockUs() < until; count += 1) await peer.tell(to, body);
  return { count, beganAtUs };
}

async function tellOnce(peer: Peer, { to, ...speech }: Omit<Speech, "forMs">): Promise<Flood> {
  const beganAtUs = clockUs();
  await peer.tell(to, bodyOf(speech));
  return { count: 1, beganAtUs };
}

/** Messages until the time is up, each waiting for the receipt that it was handled. Resolves with the microseconds that one took, all in all. */
async function send(peer: Peer, { to, textLength, ...flight }: Sending): Promise<number> {
  const body = bodyOf({ textLength });
  const elapsed = elapsedTime();
  const count = await keepInFlight(flight, () => peer.send(to, "message", body, { until: "handled" }));
  return elapsed() / count;
}

/** Tasks until the time is up, each followed until its output is here. Resolves with the microseconds that one took, all in all. */
async function delegate(peer: Peer, { to, textLength, ...flight }: Sending): Promise<number> {
  const input = "x".repeat(textLength);
  const elapsed = elapsedTime();
  const count = await keepInFlight(flight, async () => {
    const task = await peer.delegate<string>(to, "echo", input);
    if ((await task.result()) !== input) throw new Error("the output is another than the input");
  });
  return elapsed() / count;
}
