/** Sees all machines and the whole wire, and judges what no single peer could: that tables stay bounded (I7), that what is refused changes nothing (I5); and counts which ways were taken. */
import type { Reception } from "@hikyaku/peer";
import { type Bytes, decodeEnvelope } from "@hikyaku/protocol";
import { digestTextOf } from "./digest.ts";
import type { SimNode } from "./node.ts";
import { count, type Tally } from "./tally.ts";
import type { Timeline } from "./timeline.ts";
import { Violation } from "./violation.ts";

export interface ObservatoryParts {
  readonly timeline: Timeline;
  readonly tally: Tally;
  readonly report: (violation: unknown) => void;
  readonly nodes: () => readonly SimNode[];
}

const lookEvery = 16;

export class Observatory {
  readonly #parts: ObservatoryParts;
  /** First messages that are on their way or answered a moment ago, by sender and recipient. */
  readonly #offers = new Map<string, { readonly sessionId: string; isAnswered: boolean }>();
  readonly #seenOffers = new Set<string>();
  readonly #seenConfirms = new Set<string>();
  readonly #sentOnce = new Set<string>();
  /** The answer to a third handshake message that came again, for one (HS-9). */
  readonly #sentAgain = new Set<string>();
  /** Frames that each machine has got. */
  readonly #arrivals = new Map<string, number>();

  constructor(parts: ObservatoryParts) {
    this.#parts = parts;
  }

  /** I7, for one machine after another. */
  look(): void {
    const { timeline, nodes, report } = this.#parts;
    if (timeline.steps % lookEvery !== 0) return;
    const all = nodes();
    const node = all[(timeline.steps / lookEvery) % all.length];
    for (const [table, { held, most }] of Object.entries(node?.peer?.sizes() ?? {}))
      if (held > most || held < 0) report(new Violation("I7", `${node?.name} holds ${held} in ${table}, where at most ${most} may be`));
  }

  sent(from: string, to: string, frame: Bytes): void {
    const digest = digestTextOf(frame);
    if (this.#sentOnce.has(digest)) this.#sentAgain.add(digest);
    else this.#sentOnce.add(digest);
    if (!isHandshake(frame)) return;
    const envelope = decodeEnvelope(frame);
    if (envelope?.msgType === "handshake") this.#offered(from, to, envelope.sessionId, envelope.payload.data);
    else if (envelope?.msgType === "handshake_ack") this.#answered(from, to);
    else if (envelope?.msgType === "handshake_confirm") this.#confirmed(envelope.sessionId);
  }

  /** A frame is handed to a machine. */
  arrived(to: string): void {
    this.#arrivals.set(to, (this.#arrivals.get(to) ?? 0) + 1);
  }

  /** I5: what a bent frame did to whoever got it, where nothing else came to it in the same moment. */
  bent(to: string, original: Bytes): void {
    const arrivals = this.#arrivals.get(to) ?? 0;
    const node = this.#parts.nodes().find(({ name }) => name === to);
    const before = node && stateOf(node);
    // The answer to our own handshake may end that attempt, as any failure may.
    if (node === undefined || before === undefined || isAnswer(original)) return;
    this.#parts.timeline.whenSettled(() => {
      const after = stateOf(node);
      if (after === undefined || (this.#arrivals.get(to) ?? 0) > arrivals + 1) return;
      count(this.#parts.tally, "check: bent frames that changed nothing (I5)");
      const changed = Object.keys(after).filter((name) => !isHarmless(name, before[name] ?? 0, after[name] ?? 0));
      if (changed.length > 0) this.#parts.report(new Violation("I5", `a bent frame changed ${changed.join(", ")} of ${to}`));
    });
  }

  /** I5: the untouched twin of a frame that was bent and came a moment before. Whatever became of that, this one was not here yet. */
  genuine(to: string, frame: Bytes): void {
    const arrivals = this.#arrivals.get(to) ?? 0;
    const node = this.#parts.nodes().find(({ name }) => name === to);
    const before = node?.peer?.stats();
    if (before === undefined || isHandshake(frame) || this.#sentAgain.has(digestTextOf(frame))) return;
    this.#parts.timeline.whenSettled(() => {
      const after = node?.peer?.stats();
      if (after === undefined || (this.#arrivals.get(to) ?? 0) > arrivals + 1) return;
      count(this.#parts.tally, "check: genuine frames taken after their bent twins (I5)");
      if ((after[replayed] ?? 0) > (before[replayed] ?? 0))
        this.#parts.report(new Violation("I5", `${to} took a frame for a replay because a bent one of its number came before it`));
    });
  }

  bentAnswered(to: string, reception: Reception): void {
    if (reception.kind === "received") this.#parts.report(new Violation("I2", `${to} took a frame in which a bit was turned`));
  }

  #offered(from: string, to: string, sessionId: string, payload: Bytes): void {
    const { tally } = this.#parts;
    if (this.#seenOffers.has(sessionId)) return;
    this.#seenOffers.add(sessionId);
    count(tally, "recovery: handshake begun");
    const text = Buffer.from(payload).toString("latin1");
    if (text.includes("rollover_of")) count(tally, "recovery: rollover begun");
    const theirs = this.#offers.get(`${to}>${from}`);
    if (theirs?.isAnswered === false) count(tally, "recovery: handshakes crossed");
    this.#offers.set(`${from}>${to}`, { sessionId, isAnswered: false });
  }

  #answered(from: string, to: string): void {
    const offer = this.#offers.get(`${to}>${from}`);
    if (offer !== undefined) offer.isAnswered = true;
  }

  #confirmed(sessionId: string): void {
    if (this.#seenConfirms.has(sessionId)) count(this.#parts.tally, "recovery: M3 repeated");
    this.#seenConfirms.add(sessionId);
  }
}

const replayed = "refused.REPLAY_DETECTED";
const handshakeMark = Buffer.from('"msg_type":"handshake');
const isHandshake = (frame: Bytes): boolean =>
  frame[0] === 0x7b && Buffer.from(frame.buffer, frame.byteOffset, frame.length).includes(handshakeMark);
const isAnswer = (frame: Bytes): boolean => frame[0] === 0x7b && decodeEnvelope(frame)?.msgType === "handshake_ack";

/** What a refused message must not change. */
function stateOf(node: SimNode): Readonly<Record<string, number>> | undefined {
  const { peer } = node;
  if (peer === undefined) return undefined;
  const sizes = Object.entries(peer.sizes()).map(([name, { held }]) => [name, held] as const);
  return { ...Object.fromEntries(sizes), commits: node.disk.asked };
}

/** Counts of whom to limit are counters; what is only forgotten because its time is over may go at any moment. */
const forgotten: ReadonlySet<string> = new Set(["halfOpens"]);
const counters: ReadonlySet<string> = new Set(["limitedPrefixes", "limitedHosts", "limitedIdentities"]);
const isHarmless = (name: string, before: number, after: number): boolean =>
  before === after || counters.has(name) || (forgotten.has(name) && after < before);
