/**
 * What two ends must agree on when all is calm: which of their sessions they speak in (I4, LIFE-3). Everybody sleeps until no session is left, then everybody calls everybody at
 * once, so that handshakes cross; a moment later once more, and what is said then is said in one session by both. All ways take equally long meanwhile, and only handshakes that
 * crossed are judged: of those that overlap otherwise the two ends may well complete different ones last, and LIFE-3 has no word for that.
 */
import { type Bytes, decodeBinaryFrame, decodeEnvelope } from "@hikyaku/protocol";
import { calmDelayMs } from "./climate.ts";
import type { SimNode, Surroundings } from "./node.ts";
import { count } from "./tally.ts";
import { Violation } from "./violation.ts";

const quietMs = 1_000;
const quietTurnsMax = 60;
/** Longer than a session lives in silence. */
const sleepMs = 16 * 60_000;
/** Time for handshakes, and for what was refused to go again. */
const firstCallMs = 40_000;
const secondCallMs = 5_000;

interface Offer {
  readonly from: string;
  readonly at: number;
}

export class RollCall {
  readonly #around: Surroundings;
  readonly #pass: (ms: number) => Promise<void>;
  /** The session of the last message, by sender and recipient. */
  readonly #spoken = new Map<string, string>();
  /** The handshakes that began with the first call, by pair. */
  readonly #offers = new Map<string, Offer[]>();
  #phase: "before" | "first" | "second" = "before";
  #lastSentAt = 0;

  /** `pass` lets time go by. */
  constructor(around: Surroundings, pass: (ms: number) => Promise<void>) {
    this.#around = around;
    this.#pass = pass;
  }

  sent(from: string, to: string, frame: Bytes): void {
    this.#lastSentAt = this.#around.timeline.now;
    if (this.#phase === "before") return;
    const envelope = frame[0] === brace ? decodeEnvelope(frame) : decodeBinaryFrame(frame);
    if (envelope?.msgType === "handshake") this.#offered(from, to);
    if (envelope?.msgType.startsWith("handshake") === false) this.#spoken.set(`${from}>${to}`, envelope.sessionId);
  }

  #offered(from: string, to: string): void {
    const offers = getOrMake(this.#offers, pairOf(from, to));
    offers.push({ from, at: this.#around.timeline.now });
  }

  async hold(nodes: readonly SimNode[]): Promise<void> {
    const { climate, timeline } = this.#around;
    await this.#waitForQuiet();
    climate.isSteady = true;
    timeline.nap(sleepMs);
    this.#phase = "first";
    callAll(nodes);
    await this.#pass(firstCallMs);
    this.#phase = "second";
    this.#spoken.clear();
    callAll(nodes);
    await this.#pass(secondCallMs);
    for (const node of nodes) for (const other of nodes) if (node.name < other.name) this.#judge(node, other);
  }

  /** What is on its way would be refused after the sleep, and a handshake that has just begun on that stream takes the refusal for its own. */
  async #waitForQuiet(): Promise<void> {
    const { timeline } = this.#around;
    for (let turn = 0; turn < quietTurnsMax && timeline.now - this.#lastSentAt < quietMs; turn += 1) await this.#pass(quietMs);
  }

  /** Whether there were two handshakes, one from each end, and each set out before the other arrived. */
  #crossed(name: string, other: string): boolean {
    const [one, two, ...more] = this.#offers.get(pairOf(name, other)) ?? [];
    if (one === undefined || two === undefined || more.length > 0 || one.from === two.from) return false;
    return two.at - one.at < this.#around.climate.delayMsMin + calmDelayMs;
  }

  #judge({ name }: SimNode, { name: other }: SimNode): void {
    const [there, back] = [this.#spoken.get(`${name}>${other}`), this.#spoken.get(`${other}>${name}`)];
    if (there === undefined || back === undefined || !this.#crossed(name, other)) return;
    if (there !== back) throw new Violation("I4", `${name} and ${other} speak in two sessions, ${there} and ${back}`);
    count(this.#around.tally, "check: two ends speak in one session (I4)");
  }
}

const pairOf = (one: string, other: string): string => [one, other].sort().join(" ");

function getOrMake(offers: Map<string, Offer[]>, pair: string): Offer[] {
  const made = offers.get(pair) ?? [];
  offers.set(pair, made);
  return made;
}

/** Who cannot be reached now is not what this is about. */
function callAll(nodes: readonly SimNode[]): void {
  for (const { peer } of nodes) for (const { did } of peer?.peers() ?? []) void peer?.ping(did).catch(() => undefined);
}

const brace = 0x7b;
