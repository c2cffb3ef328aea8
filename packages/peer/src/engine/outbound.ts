/** The way out: from a typed body to frames on a link, with a handshake where one is needed and other addresses where one fails (spec §4, §9). */
import {
  type BodyByType,
  type Bytes,
  type DialogueType,
  encodeBody,
  encodeEnvelope,
  encodeHex,
  HikyakuError,
  limits,
} from "@hikyaku/protocol";
import type { Dialer, Link, Origin, Reception } from "../ports/link.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import type { Answer } from "./answer.ts";
import type { Contact, HandshakesOut } from "./handshakes-out.ts";
import { type Ground, momentOf } from "./needs.ts";
import type { Pickup } from "./pickup.ts";
import type { Reachability } from "./reachability.ts";
import type { LiveSession, SessionTable } from "./session-table.ts";
import { traceOf } from "./trace.ts";

export interface OutboundParts {
  readonly ground: Ground;
  readonly dialer: Dialer;
  readonly sessions: SessionTable;
  readonly pickup: Pickup;
  readonly reachability: Reachability;
  readonly handshakes: () => HandshakesOut;
  /** Takes in a frame that came back on a link. */
  readonly absorb: (frame: Bytes, origin: Origin) => Promise<Answer>;
  /** Aborts when the peer closes. */
  readonly closing: AbortSignal;
}

/** How many answers one exchange may still draw from us, however often the other side answers those in turn (spec LIM-5). */
interface Budget {
  answersLeft: number;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #lastRehandshake = new Map<string, number>();

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** Seals one body in the peer's session; the frame, and the reference by which an error would name it. */
  seal<Type extends DialogueType>(
    session: LiveSession,
    msgType: Type,
    body: BodyByType[Type],
  ): { readonly frame: Bytes; readonly ref: string } {
    const { crypto, identity, nonces } = this.#parts.ground;
    const at = { nonces, ...momentOf(this.#parts.ground) };
    const envelope = session.seal(crypto, identity, { msgType, plaintext: encodeBody<Type>(body) }, at);
    return { frame: encodeEnvelope(envelope), ref: encodeHex(envelope.nonce) };
  }

  /**
   * Sends one body and takes in what comes back. `sealed` learns the reference before anything leaves. Resolves when the bytes were taken over, which
   * proves nothing: only what the peer seals does. Rejects with a sentence that names the address and the cause.
   */
  async send<Type extends DialogueType>(
    contact: Contact,
    msgType: Type,
    body: BodyByType[Type],
    signal: AbortSignal,
    sealed: (ref: string) => void = () => undefined,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const session = await this.sessionWith(contact, signal);
      const { frame, ref } = this.seal(session, msgType, body);
      sealed(ref);
      const reception = await this.#deliver(contact, session, frame, signal);
      if (reception.kind === "received") return;
      if (reception.code !== "REJECTED" || attempt > 1 || !this.#mayReplace(session)) throw refusalOf(contact, reception);
      // HS-13: the peer may have lost the session, by a restart for instance. An unauthenticated hint: the session goes on receiving.
      this.#parts.sessions.retire(session);
    }
  }

  /** The last word in a session, which ends with it: at the contact's addresses, or where none of them takes it, when the contact calls. */
  async sendLast(session: LiveSession, contact: Contact, body: BodyByType["session_close"], signal: AbortSignal): Promise<void> {
    const { pickup, sessions } = this.#parts;
    const { frame } = this.seal(session, "session_close", body);
    if (await this.#isTaken(contact, frame, signal)) sessions.drop(session);
    else pickup.put(contact.did, contact.name, frame, () => sessions.drop(session));
  }

  /** The session to send in; a handshake makes one where there is none or where it is time for a new one. */
  async sessionWith(contact: Contact, signal: AbortSignal): Promise<LiveSession> {
    const elapsed = this.#parts.ground.clock.elapsed();
    const current = this.#parts.sessions.sendingTo(contact.did, elapsed);
    if (current !== undefined && (!current.isDueForRollover(elapsed) || contact.addresses.length === 0)) return current;
    if (current === undefined) return await this.#parts.handshakes().connect(contact, {}, signal);
    return await this.#followOn(contact, current, signal);
  }

  /** LIFE-1: the session that comes after this one; while there is none to be had, this one goes on. */
  async #followOn(contact: Contact, current: LiveSession, signal: AbortSignal): Promise<LiveSession> {
    try {
      return await this.#parts.handshakes().connect(contact, { rolloverOf: current.facts.sessionId }, signal);
    } catch (error) {
      if (signal.aborted || current.isExpired(this.#parts.ground.clock.elapsed())) throw error;
      this.#parts.ground.counters.add("rollover.failed");
      return current;
    }
  }

  /** Tries the contact's addresses, the one that worked last first. */
  async exchangeAnywhere(
    contact: Contact,
    frame: Bytes,
    signal: AbortSignal,
  ): Promise<{ readonly link: Link; readonly reception: Reception }> {
    const failures: HikyakuError[] = [];
    let refusal: { readonly link: Link; readonly reception: Reception } | undefined;
    for (const known of this.#parts.reachability.order(contact)) {
      try {
        const link = await this.#dial(contact, known, signal);
        const reception = await this.exchange(link, frame, signal);
        if (reception.kind === "received") {
          this.#parts.reachability.succeeded(contact.did, known.address);
          return { link, reception };
        }
        // Unsigned, and maybe from whoever has that address now: another address may lead to the peer itself.
        refusal ??= { link, reception };
      } catch (error) {
        if (!(error instanceof HikyakuError) || !isPassing(error)) throw error;
        failures.push(error);
      }
    }
    if (refusal !== undefined) return refusal;
    const [only] = failures;
    if (failures.length === 1 && only?.code === "TIMED_OUT") throw only;
    throw new HikyakuError(
      "UNREACHABLE",
      unreachable(
        contact,
        failures.map(({ message }) => message),
      ),
    );
  }

  /**
   * Moves a frame, takes in the replies, and answers them on the same link. The signal ends the moving only: what came back was taken from its sender's
   * queue, so all of it is taken in, also when the one answer that the caller waited for came first.
   */
  async exchange(link: Link, frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const reception = await link.deliver(frame, signal);
    if (reception.kind === "received") await this.#absorbAll(link, reception.replies, { answersLeft: limits.answersPerExchangeMax });
    return reception;
  }

  async #absorbAll(link: Link, replies: readonly Bytes[], budget: Budget): Promise<void> {
    for (const reply of replies) {
      const answer = await this.#absorb(link, reply);
      if (answer?.kind !== "taken") continue;
      for (const frame of answer.frames) await this.#answerOn(link, frame, budget);
    }
  }

  /** What came back beside an answer and cannot be stored here is logged: it is not the fault of what was sent. */
  async #absorb({ origin }: Link, reply: Bytes): Promise<Answer | undefined> {
    const { ground, absorb } = this.#parts;
    try {
      return await absorb(reply, origin);
    } catch (error) {
      ground.counters.add("absorb.failed");
      ground.log.write("error", "absorb.failed", { reason: traceOf(error) });
      return undefined;
    }
  }

  /** An answer that does not get through is the same as one lost on the way: who needs it asks again. */
  async #answerOn(link: Link, frame: Bytes, budget: Budget): Promise<void> {
    if (budget.answersLeft === 0) return this.#parts.ground.counters.add("answer.withheld");
    budget.answersLeft -= 1;
    try {
      const reception = await link.deliver(frame, this.#parts.closing);
      if (reception.kind === "received") await this.#absorbAll(link, reception.replies, budget);
    } catch (error) {
      if (this.#parts.closing.aborted) throw error;
      this.#parts.ground.counters.add("answer.lost");
    }
  }

  /** Forgets what was noted about a peer. */
  forget(did: string): void {
    this.#lastRehandshake.delete(did);
  }

  async #deliver(contact: Contact, session: LiveSession, frame: Bytes, signal: AbortSignal): Promise<Reception> {
    if (contact.addresses.length > 0) return (await this.exchangeAnywhere(contact, frame, signal)).reception;
    if (!this.#parts.reachability.isCalling(session)) throw new HikyakuError("UNREACHABLE", unreachable(contact, []));
    this.#parts.pickup.put(contact.did, contact.name, frame);
    return { kind: "received", replies: [], more: false };
  }

  async #isTaken(contact: Contact, frame: Bytes, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.exchangeAnywhere(contact, frame, signal)).reception.kind === "received";
    } catch (error) {
      if (error instanceof HikyakuError && isPassing(error)) return false;
      throw error;
    }
  }

  #dial({ did }: Contact, known: KnownAddress, signal: AbortSignal): Promise<Link> {
    const { dialer, reachability } = this.#parts;
    return dialer.dial(known.address, { isAllowed: (host, kind) => reachability.mayDial(did, known, host, kind), signal });
  }

  /** Of several that were rejected in one session, the first makes room for a new handshake and the others share it. */
  #mayReplace(session: LiveSession): boolean {
    const { sessions, ground } = this.#parts;
    const did = session.facts.peerId;
    const elapsed = ground.clock.elapsed();
    if (sessions.sendingTo(did, elapsed) !== session) return true;
    const last = this.#lastRehandshake.get(did);
    if (last !== undefined && elapsed - last < limits.handshakeIntervalMsMin) return false;
    this.#lastRehandshake.set(did, elapsed);
    return true;
  }
}

/** Another address may do better. */
const isPassing = ({ code }: HikyakuError): boolean => code === "UNREACHABLE" || code === "TIMED_OUT";

function unreachable({ name, addresses }: Contact, failures: readonly string[]): string {
  if (addresses.length > 0) return `${name} is not reachable: ${failures.map(withoutPeriod).join("; ")}.`;
  return `${name} is not reachable: no address of it is known; let it call, or add one with \`hikyaku trust ${name} --at http://host:port\`.`;
}

const withoutPeriod = (sentence: string): string => sentence.replace(/\.$/, "");

function refusalOf({ name }: Contact, { code, retryAfterS, correlationId }: Reception & { kind: "refused" }): HikyakuError {
  // A session that was rejected is replaced at most once in so many seconds; within them a person is told to wait.
  const waitS = code === "REJECTED" ? limits.handshakeIntervalMsMin / 1000 : retryAfterS;
  const again = waitS === undefined ? "" : `; try again in ${waitS} s`;
  const id = correlationId === undefined ? "" : `; its log names it ${correlationId}`;
  return new HikyakuError(code, `${name} did not take the message (${code})${again}${id}.`);
}
