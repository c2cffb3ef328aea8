/**
 * How what a courier has loaded leaves (spec §9, §10): sealed, noted as on its way, moved over a link; and how it comes back into the bag where it did not get away, or
 * where the peer had lost the session (HS-13). When to go, and by which way, is the courier's business.
 */
import { type Bytes, encodeBinaryFrame, encodeEnvelope, encodeHex, HikyakuError, limits, type MessageType } from "@hikyaku/protocol";
import type { Bag, Load } from "../delivery/bag.ts";
import type { AnswerBudget, Cargo } from "../delivery/cargo.ts";
import { Flights } from "../delivery/flights.ts";
import type { LaneEntry } from "../delivery/outgoing-lane.ts";
import { isWorthRepeating, SpokenBook } from "../delivery/spoken.ts";
import type { Contact } from "../links/contact.ts";
import type { Timer } from "../ports/clock.ts";
import type { Exchange, Link, Reception, Refusal } from "../ports/link.ts";
import type { Remark } from "../ports/outbox.ts";
import { type Ground, momentOf } from "./needs.ts";
import type { SendingSession } from "./sending-session.ts";
import type { LiveSession } from "./session-table.ts";

export interface ShippingParts {
  readonly ground: Ground;
  readonly bag: Bag;
  readonly session: SendingSession;
  /** Moves a frame over an exchange and takes in what comes back. */
  readonly exchange: (link: Exchange, frame: Bytes, signal: AbortSignal) => Promise<Reception>;
  readonly remark: (remarks: readonly Remark[]) => void;
  /** A flight set out. */
  readonly setOut: () => void;
  /** Something is back in the bag. */
  readonly cameBack: () => void;
  /** The peer has more for us than fitted in its answer. */
  readonly moreWaits: () => void;
  readonly closing: AbortSignal;
}

export class Shipping {
  readonly flights: Flights = new Flights();
  readonly #did: string;
  readonly #parts: ShippingParts;
  readonly #spoken = new SpokenBook();
  /** Nonces of envelopes that were rejected so soon after a handshake that there could be no other yet. */
  readonly #rejectedEarly = new Set<string>();
  #again: Timer | undefined;
  /** Of the exchange that is under way. */
  #budget: AnswerBudget | undefined;

  constructor(did: string, parts: ShippingParts) {
    this.#did = did;
    this.#parts = parts;
  }

  /** Resolves when the link takes the next load. Rejects where the peer could not be reached or would not take it: then all of it that may go again is back in the bag. */
  async ship(link: Link, session: LiveSession, load: Load, contact: Contact): Promise<void> {
    try {
      const frame = this.seal(session, load, link);
      if (link.kind === "stream") return await link.send(frame, this.#parts.closing);
      await this.#exchange(link, frame, load, { session, contact });
    } catch (error) {
      this.#unload(load, link);
      throw error;
    }
  }

  /** The frame, whose messages count as on their way. `link` is absent where it goes along with an answer. */
  seal(session: LiveSession, { msgType, plaintext, cargo }: Load, link: Link | undefined): Bytes {
    const { ground } = this.#parts;
    const { crypto, identity, nonces } = ground;
    const envelope = session.seal(crypto, identity, { msgType: msgType as MessageType, plaintext }, { nonces, ...momentOf(ground) });
    const ref = encodeHex(envelope.nonce);
    for (const { sealed } of cargo) sealed?.(ref);
    this.#note(cargo, { ref, sessionId: session.facts.sessionId, link });
    const isBinary = link?.kind === "stream" && session.facts.version === bundlingVersion;
    return isBinary ? encodeBinaryFrame(envelope) : encodeEnvelope(envelope);
  }

  /**
   * Something that the peer's word drew from us. LIM-5: what comes back on one exchange draws so many answers and no more, however often they are answered in turn;
   * receipts are not among them, as there is one for many messages and each of those had to be stored.
   */
  answer(cargo: Cargo): void {
    const budget = this.#budget;
    if (budget?.answersLeft === 0) return this.#parts.ground.counters.add("answer.withheld");
    if (budget !== undefined) budget.answersLeft -= 1;
    this.#parts.bag.room.put(budget === undefined ? cargo : { ...cargo, budget });
  }

  /** HS-13 on a stream, where the refusal comes after the sending: what nobody receipts has to be remembered to go again in the next session. */
  rejected(ref: string): void {
    const spoken = this.#spoken.find(ref);
    const sessionId = this.flights.get(ref)?.sessionId ?? spoken?.sessionId;
    if (sessionId === undefined) return;
    if (!this.#parts.session.doubt(sessionId)) return this.#waitForAnother(ref);
    if (spoken === undefined) return;
    this.#spoken.forget(ref);
    this.#parts.bag.room.putBack(spoken.cargo);
    this.#parts.cameBack();
  }

  stop(): void {
    this.#again?.cancel();
  }

  async #exchange(
    link: Exchange,
    frame: Bytes,
    load: Load,
    { session, contact }: { readonly session: LiveSession; readonly contact: Contact },
  ): Promise<void> {
    const { exchange, closing, moreWaits } = this.#parts;
    this.#budget = load.cargo.at(0)?.budget ?? { answersLeft: limits.answersPerExchangeMax };
    try {
      const reception = await exchange(link, frame, closing);
      if (reception.kind === "refused") {
        // HS-13: the peer may have lost the session, by a restart for instance. What it did not take goes again in the next one.
        if (reception.code === "REJECTED" && this.#parts.session.doubt(session.facts.sessionId)) return this.#unload(load, link);
        throw refusalOf(contact, reception);
      }
      if (reception.more) moreWaits();
    } finally {
      this.#budget = undefined;
    }
  }

  /** Puts back what did not get away. A receipt is not worth it: its reader asks again. A message that nobody keeps may have arrived, and nobody would know it for a copy. */
  #unload({ cargo }: Load, link: Link): void {
    const flight = cargo.find(({ entry }) => entry?.flight?.link === link)?.entry?.flight;
    if (flight !== undefined) this.flights.turnBack(flight);
    this.#parts.bag.room.putBack(cargo.filter(isWorthRepeating));
  }

  /** What leaves now and may have to go again. */
  #note(cargo: readonly Cargo[], way: { readonly ref: string; readonly sessionId: string; readonly link: Link | undefined }): void {
    const { clock } = this.#parts.ground;
    const sent = { at: clock.now(), route: way.link?.route ?? "answer to its call" };
    const entries = new Set(cargo.flatMap(({ entry }) => entry ?? []));
    for (const entry of entries) this.#noteSending(entry, sent);
    if (entries.size > 0) {
      this.flights.add({ ...way, sentAt: clock.elapsed(), entries });
      this.#parts.setOut();
    }
    if (way.link?.kind === "stream") this.#spoken.note(way.ref, { sessionId: way.sessionId, cargo: cargo.filter(isWorthRepeating) });
  }

  #noteSending(entry: LaneEntry, sent: { readonly at: number; readonly route: string }): void {
    if (entry.sendings > 0 && entry.sent === undefined)
      this.#parts.remark([{ id: entry.message.id, to: this.#did, event: { at: sent.at, kind: "sent", detail: sent.route } }]);
    else entry.sent = sent;
    entry.sendings += 1;
  }

  /** The last handshake was a moment ago: what was rejected waits until there may be another. */
  #waitForAnother(ref: string): void {
    const { ground, session } = this.#parts;
    this.#rejectedEarly.add(ref);
    this.#again ??= ground.clock.after(session.settledMs, () => {
      this.#again = undefined;
      const refs = [...this.#rejectedEarly];
      this.#rejectedEarly.clear();
      for (const early of refs) this.rejected(early);
    });
  }
}

/** A refusal is unsigned, so it is told as a hint. */
export function refusalOf({ name }: Pick<Contact, "name">, { code, retryAfterS, correlationId }: Refusal): HikyakuError {
  const waitS = code === "REJECTED" ? limits.handshakeIntervalMsMin / 1000 : retryAfterS;
  const again = waitS === undefined ? "" : `; try again in ${waitS} s`;
  const id = correlationId === undefined ? "" : `; its log names it ${correlationId}`;
  return new HikyakuError(code, `${name} did not take the message (${code})${again}${id}.`);
}

/** The version that brought binary frames and bundles. */
export const bundlingVersion = "1.2";
