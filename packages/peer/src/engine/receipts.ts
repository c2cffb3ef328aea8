/** What became of our messages, and who waits to hear of it (spec §11). A transport's 200 proves nothing; a receipt is sealed by its recipient. */
import { HikyakuError, limits, type ReceiptStage, toldByPeer } from "@hikyaku/protocol";
import { stageRanks } from "../delivery/receipt-book.ts";
import type { Outbox, Progress } from "../ports/outbox.ts";
import type { Couriers } from "./couriers.ts";
import { durably } from "./durably.ts";
import type { Ground } from "./needs.ts";
import { canceled, type Patience } from "./waits.ts";

export interface Receipt {
  /** The message's UUIDv7. */
  readonly id: string;
  /** The last stage heard of; `queued` is durable here and goes on being tried. */
  readonly stage: "queued" | Exclude<ReceiptStage, "refused">;
  /** Every stage with the milliseconds it took from the sending. */
  readonly stages: readonly { readonly stage: ReceiptStage; readonly afterMs: number }[];
  /** Why it has not come further yet. */
  readonly problem?: string;
  /** Beside a message that is kept: how long it goes on being tried, in milliseconds since 1970. */
  readonly exp?: number;
}

export interface ReceiptWish extends Patience {
  /** How far the message shall have come. */
  readonly until: Exclude<ReceiptStage, "refused">;
  /** Whether to be content with less as soon as the peer cannot be reached. */
  readonly isContent: boolean;
  /** The message's own, where it is kept. */
  readonly exp?: number;
}

interface Waiting {
  readonly to: string;
  readonly until: ReceiptStage;
  readonly isContent: boolean;
  readonly sentAt: number;
  readonly stages: { stage: ReceiptStage; afterMs: number }[];
  readonly settle: (problem?: string) => void;
  readonly fail: (error: HikyakuError) => void;
}

export interface ReceiptsParts {
  readonly ground: Ground;
  readonly outbox: Outbox;
  readonly couriers: () => Couriers;
  readonly background: (work: Promise<void>) => void;
  /** The message will not be handled: its recipient refused it, or its time is over. */
  readonly lost: (did: string, id: string, code: string) => Promise<void>;
  readonly closing: AbortSignal;
}

const codeOf = (stage: ReceiptStage, reason: string | undefined): ReturnType<typeof toldByPeer> | undefined =>
  stage === "refused" ? toldByPeer(reason ?? "") : undefined;

export class Receipts {
  readonly #parts: ReceiptsParts;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: ReceiptsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * The receipt of a message that is about to be kept, once it is at `until` or beyond, or when patience ends: the message goes on being tried, so that is no failure.
   * Rejects with the recipient's code when it refuses, MESSAGE_EXPIRED, or CANCELED.
   */
  waitFor(
    to: string,
    id: string,
    { until, isContent, exp, timeoutMs = limits.requestTimeoutMsDefault, signal }: ReceiptWish,
  ): Promise<Receipt> {
    if (this.#waiting.size >= limits.pendingRequestsMax)
      return Promise.reject(new HikyakuError("OVERLOADED", "Too many requests are waiting for answers."));
    if (signal?.aborted === true) return Promise.reject(canceled("receipt", signal));
    const { clock } = this.#parts.ground;
    return new Promise<Receipt>((resolve, reject) => {
      const stages: Waiting["stages"] = [];
      const end = (): void => {
        this.#waiting.delete(id);
        timer.cancel();
        signal?.removeEventListener("abort", cancel);
      };
      const settle = (problem?: string): void => {
        end();
        const stage = (stages.at(-1)?.stage ?? "queued") as Receipt["stage"];
        resolve({ id, stage, stages, ...(problem === undefined ? {} : { problem }), ...(exp === undefined ? {} : { exp }) });
      };
      const fail = (error: HikyakuError): void => {
        end();
        reject(error);
      };
      const cancel = (): void => {
        if (signal !== undefined) fail(canceled("receipt", signal));
      };
      const boundedMs = Math.min(timeoutMs, limits.requestTimeoutMsMax);
      const late = (): void => settle(this.#parts.couriers().find(to)?.trouble?.reason ?? `no receipt within ${boundedMs / 1000} s`);
      const timer = clock.after(boundedMs, late);
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waiting.set(id, { to, until, isContent, sentAt: clock.elapsed(), stages, settle, fail });
    });
  }

  /**
   * A peer's word on messages: on ours to it, that is; on others it changes nothing. It is durable before its messages count as settled: where it could not be kept they
   * are repeated, and the word comes again.
   */
  arrive(did: string, ids: readonly string[], stage: ReceiptStage, reason: string | undefined): void {
    const { outbox, background, couriers } = this.#parts;
    const code = codeOf(stage, reason);
    const misplaced = code === "SEQUENCE_ERROR" ? couriers().find(did)?.misplaced(ids) : undefined;
    const heard = misplaced === undefined ? ids : ids.filter((id) => !misplaced.has(id));
    if (heard.length === 0) return;
    const progress = this.#progressOf(did, heard, stage, code);
    background(outbox.advance(progress).then((risen) => this.#settle(did, heard, risen)));
    for (const id of heard) this.#tell(did, id, stage, code);
  }

  /** The recipient refused a message without a receipt: nobody will say so again. */
  refuse(did: string, id: string, reason: string): void {
    const { ground, outbox, background, closing } = this.#parts;
    const code = codeOf("refused", reason);
    const progress = this.#progressOf(did, [id], "refused", code);
    background(durably(ground, closing, () => outbox.advance(progress)).then((risen) => this.#settle(did, [id], risen)));
    this.#tell(did, id, "refused", code);
  }

  /** The message could not even be kept: whoever sent it learns that, and not what became of it. */
  forget(id: string): void {
    this.#waiting.get(id)?.fail(new HikyakuError("CANCELED", "The message was not sent."));
  }

  /** The time of a message is over. */
  async expired(did: string, id: string): Promise<void> {
    this.#waiting.get(id)?.fail(new HikyakuError("MESSAGE_EXPIRED", "The message expired before it was handled; `hikyaku dead` lists it."));
    await this.#parts.lost(did, id, "MESSAGE_EXPIRED");
  }

  /** The peer could not be reached, or would not take these messages now: whoever is content with less learns how far it came. */
  troubled(did: string, problem: string, ids?: readonly string[]): void {
    for (const [id, { to, isContent, settle }] of this.#waiting)
      if (to === did && isContent && (ids === undefined || ids.includes(id))) settle(problem);
  }

  failAll(error: HikyakuError): void {
    for (const { fail } of this.#waiting.values()) fail(error);
  }

  #progressOf(did: string, ids: readonly string[], stage: ReceiptStage, code: ReturnType<typeof codeOf>): readonly Progress[] {
    const at = this.#parts.ground.clock.now();
    const courier = this.#parts.couriers().find(did);
    return ids.map((id) => {
      const sent = courier?.bag.find(id)?.sent;
      return { id, to: did, stage, at, ...(code === undefined ? {} : { reason: code }), ...(sent === undefined ? {} : { sent }) };
    });
  }

  async #settle(did: string, ids: readonly string[], risen: readonly Progress[]): Promise<void> {
    this.#parts.couriers().find(did)?.arrived(ids);
    for (const { id, stage, reason } of risen) if (stage === "refused") await this.#parts.lost(did, id, reason ?? "REJECTED");
  }

  #tell(did: string, id: string, stage: ReceiptStage, code: ReturnType<typeof toldByPeer> | undefined): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.to !== did) return;
    const last = waiting.stages.at(-1);
    // A stage counts once, and only upwards: so nobody can make this list grow.
    if (last !== undefined && stageRanks[stage] <= stageRanks[last.stage]) return;
    waiting.stages.push({ stage, afterMs: Math.round(this.#parts.ground.clock.elapsed() - waiting.sentAt) });
    if (code !== undefined) waiting.fail(new HikyakuError(code, `The recipient refused the message (${code}); \`hikyaku dead\` keeps it.`));
    else if (stageRanks[stage] >= stageRanks[waiting.until]) waiting.settle();
  }
}
