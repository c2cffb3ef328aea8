/** Moves frames between the links and reception: exchanges that others begin, exchanges that we begin, and streams both ways (spec §9). */
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import type { AnswerBudget } from "../delivery/cargo.ts";
import type { Reachability } from "../links/reachability.ts";
import type { StreamTable } from "../links/stream-table.ts";
import type { Exchange, Reception as LinkReception, Origin, Refusal, Stream, StreamHolder } from "../ports/link.ts";
import type { Admission } from "./admission.ts";
import type { Answer, Received } from "./answer.ts";
import type { Couriers } from "./couriers.ts";
import type { HandshakesOut } from "./handshakes-out.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import { type Reception, refOf } from "./reception.ts";
import type { SessionTable } from "./session-table.ts";
import { traceOf } from "./trace.ts";

export interface TrafficParts {
  readonly ground: Ground;
  readonly streams: StreamTable;
  readonly sessions: SessionTable;
  readonly known: KnownPeers;
  readonly couriers: Couriers;
  readonly admission: Admission;
  readonly reachability: Reachability;
  readonly reception: () => Reception;
  readonly handshakesOut: () => HandshakesOut;
  readonly closing: AbortSignal;
}

export class Traffic implements StreamHolder {
  readonly #parts: TrafficParts;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  /** One frame of an exchange that somebody began with us. What waits for a proven sender goes back with the answer. */
  async receive(frame: Bytes, origin: Origin): Promise<LinkReception> {
    const { admission, couriers, reachability, known } = this.#parts;
    try {
      const refusal = this.#limit(origin);
      if (refusal !== undefined) return { kind: "refused", ...refusal };
      const { answer, provenBy } = await this.#parts.reception().receive(frame, origin, "call");
      if (answer.kind === "refused") return answer;
      if (provenBy === undefined) return { kind: "received", replies: answer.frames, more: false };
      admission.proven(origin, known.standingOf(provenBy));
      reachability.called(provenBy, origin.host);
      const courier = couriers.of(provenBy);
      const { frames, more } = await courier.takeReplies(answer.frames);
      courier.heard();
      return { kind: "received", replies: frames, more };
    } catch (error) {
      return { kind: "refused", ...this.#failure(error) };
    }
  }

  /**
   * Moves a frame and takes in what comes back. The signal ends the moving only: what came back was taken from its sender's queue, so all of it is taken in, also
   * when the one answer that the caller waited for came first.
   */
  async exchange(link: Exchange, frame: Bytes, signal: AbortSignal): Promise<LinkReception> {
    const reception = await link.deliver(frame, signal);
    if (reception.kind === "received") await this.#absorbAll(link, reception.replies, { answersLeft: limits.answersPerExchangeMax });
    return reception;
  }

  opened(stream: Stream): void {
    this.#parts.streams.add(stream, this.#parts.ground.clock.elapsed());
  }

  async frame(stream: Stream, frame: Bytes): Promise<void> {
    try {
      const isProven = this.#parts.streams.get(stream)?.isProven === true;
      const refusal = isProven ? undefined : this.#limit(stream.origin);
      if (refusal !== undefined) return stream.refuse(refusal, undefined);
      await this.#answer(stream, await this.#parts.reception().receive(frame, stream.origin, stream), isProven);
    } catch (error) {
      if (!this.#parts.closing.aborted) stream.refuse(this.#failure(error), refOf(frame));
    }
  }

  refused(stream: Stream, refusal: Refusal, ref: string | undefined): void {
    const { streams, sessions, couriers, ground } = this.#parts;
    ground.counters.add(`told.${refusal.code}`);
    if (this.#parts.handshakesOut().refused(stream, refusal, ref)) return;
    const peerId = streams.get(stream)?.peerId;
    if (peerId === undefined) return;
    if (refusal.code === "HANDSHAKE_FAILED") sessions.abandon(peerId, stream);
    else if (ref !== undefined) couriers.of(peerId).refusedOnWay(ref, refusal);
  }

  closed(stream: Stream, reason: string): void {
    const { streams, sessions, couriers, ground } = this.#parts;
    const ended = streams.drop(stream, reason);
    const peerId = ended?.peerId;
    ground.log.write("debug", "stream.closed", { reason, ...(peerId === undefined ? {} : { peer: peerId }) });
    if (ended === undefined || peerId === undefined) return;
    sessions.abandon(peerId, stream);
    couriers.find(peerId)?.linkEnded(stream, reason, ground.clock.elapsed() - ended.openedAt);
  }

  async #answer(stream: Stream, { answer, provenBy, isBeginning, ref }: Received, wasProven: boolean): Promise<void> {
    const { streams, admission, couriers, reachability, known, closing } = this.#parts;
    if (provenBy === undefined) streams.countJunk(stream);
    if (answer.kind === "refused") return stream.refuse(answer, ref);
    if (provenBy !== undefined) {
      if (!wasProven) admission.proven(stream.origin, known.standingOf(provenBy));
      if (!stream.isOurs) reachability.called(provenBy, stream.origin.host);
      if (isBeginning === true) streams.prefer(stream, provenBy);
      else streams.prove(stream, provenBy);
    }
    for (const frame of answer.frames) await stream.send(frame, closing);
    if (provenBy !== undefined) couriers.of(provenBy).heard();
  }

  async #absorbAll(link: Exchange, replies: readonly Bytes[], budget: AnswerBudget): Promise<void> {
    for (const reply of replies) {
      const answer = await this.#absorb(link, reply);
      if (answer?.kind !== "taken") continue;
      for (const frame of answer.frames) await this.#answerOn(link, frame, budget);
    }
  }

  /** What came back beside an answer and cannot be stored here is logged: it is not the fault of what was sent. */
  async #absorb({ origin }: Exchange, reply: Bytes): Promise<Answer | undefined> {
    const { ground, couriers, reception } = this.#parts;
    try {
      const { answer, provenBy } = await reception().receive(reply, origin, "answer");
      if (provenBy !== undefined) couriers.of(provenBy).heard();
      return answer;
    } catch (error) {
      ground.counters.add("absorb.failed");
      ground.log.write("error", "absorb.failed", { reason: traceOf(error) });
      return undefined;
    }
  }

  /** An answer that does not get through is the same as one lost on the way: who needs it asks again. */
  async #answerOn(link: Exchange, frame: Bytes, budget: AnswerBudget): Promise<void> {
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

  #limit(origin: Origin): Refusal | undefined {
    const retryAfterS = this.#parts.admission.request(origin);
    if (retryAfterS === undefined) return undefined;
    this.#parts.ground.counters.add("refused.RATE_LIMITED");
    return { code: "RATE_LIMITED", retryAfterS };
  }

  /** BOX-1: where our disk took nothing, the sender learns that it may come again, and when. */
  #failure(error: unknown): Refusal {
    const { random, log, counters } = this.#parts.ground;
    const correlationId = Array.from(random.bytes(4), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const isStorage = error instanceof HikyakuError && error.code === "STORAGE_FAILED";
    const code = isStorage ? "OVERLOADED" : "INTERNAL_ERROR";
    counters.add(`refused.${code}`);
    log.write("error", "receive.failed", { correlationId, reason: traceOf(error) });
    return { code, correlationId, ...(isStorage ? { retryAfterS: limits.storageRetryAfterS } : {}) };
  }
}
