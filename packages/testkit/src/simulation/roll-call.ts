/**
 * What two ends must agree on when all is calm: which of their sessions they speak in (I4, LIFE-3). Everybody sleeps until no session is left, then everybody calls everybody at
 * once, so that handshakes cross; a moment later once more, and what is said then is said in one session by both. All ways take equally long meanwhile: of handshakes that overlap
 * without crossing, where an answer overtakes a beginning, the two ends may well complete different ones last, and LIFE-3 has no word for that.
 */
import { type Bytes, decodeBinaryFrame, decodeEnvelope } from "@hikyaku/protocol";
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

export class RollCall {
  readonly #around: Surroundings;
  readonly #pass: (ms: number) => Promise<void>;
  /** The session of the last message, by sender and recipient. */
  readonly #spoken = new Map<string, string>();
  #isListening = false;
  #lastSentAt = 0;

  /** `pass` lets time go by. */
  constructor(around: Surroundings, pass: (ms: number) => Promise<void>) {
    this.#around = around;
    this.#pass = pass;
  }

  sent(from: string, to: string, frame: Bytes): void {
    this.#lastSentAt = this.#around.timeline.now;
    if (!this.#isListening) return;
    const envelope = frame[0] === brace ? decodeEnvelope(frame) : decodeBinaryFrame(frame);
    if (envelope !== undefined && !envelope.msgType.startsWith("handshake")) this.#spoken.set(`${from}>${to}`, envelope.sessionId);
  }

  async hold(nodes: readonly SimNode[]): Promise<void> {
    const { climate, timeline } = this.#around;
    await this.#waitForQuiet();
    climate.isSteady = true;
    timeline.nap(sleepMs);
    callAll(nodes);
    await this.#pass(firstCallMs);
    this.#isListening = true;
    callAll(nodes);
    await this.#pass(secondCallMs);
    for (const node of nodes) for (const other of nodes) if (node.name < other.name) this.#judge(node, other);
  }

  /** What is on its way would be refused after the sleep, and a handshake that has just begun on that stream takes the refusal for its own. */
  async #waitForQuiet(): Promise<void> {
    const { timeline } = this.#around;
    for (let turn = 0; turn < quietTurnsMax && timeline.now - this.#lastSentAt < quietMs; turn += 1) await this.#pass(quietMs);
  }

  #judge({ name }: SimNode, { name: other }: SimNode): void {
    const [there, back] = [this.#spoken.get(`${name}>${other}`), this.#spoken.get(`${other}>${name}`)];
    if (there === undefined || back === undefined) return;
    if (there !== back) throw new Violation("I4", `${name} and ${other} speak in two sessions, ${there} and ${back}`);
    count(this.#around.tally, "check: two ends speak in one session (I4)");
  }
}

/** Who cannot be reached now is not what this is about. */
function callAll(nodes: readonly SimNode[]): void {
  for (const { peer } of nodes) for (const { did } of peer?.peers() ?? []) void peer?.ping(did).catch(() => undefined);
}

const brace = 0x7b;
