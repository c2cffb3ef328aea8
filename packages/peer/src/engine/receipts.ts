/** Which of our messages have been receipted, and who waits for that (spec §11). A transport's 200 proves nothing; a receipt is sealed by its recipient. */
import { HikyakuError, type ReceiptStage, toldByPeer } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Patience, Waits } from "./waits.ts";

export interface Receipt {
  /** The message's UUIDv7. */
  readonly id: string;
  /** The last stage heard of. */
  readonly stage: ReceiptStage;
  /** Every stage with the milliseconds it took from the sending. */
  readonly stages: readonly { readonly stage: ReceiptStage; readonly afterMs: number }[];
}

const rank: Readonly<Record<ReceiptStage, number>> = { stored: 0, delivered: 1, handled: 2, refused: 3 };

interface Sent {
  readonly until: ReceiptStage;
  readonly sentAt: number;
  readonly stages: { stage: ReceiptStage; afterMs: number }[];
}

export class Receipts {
  readonly #clock: Clock;
  readonly #waits: Waits;
  readonly #sent = new Map<string, Sent>();

  constructor(clock: Clock, waits: Waits) {
    this.#clock = clock;
    this.#waits = waits;
  }

  /** The receipt of a message about to be sent, once it is at `until` or beyond. Rejects with the recipient's code when it refuses. */
  async waitFor(
    recipient: { readonly did: string; readonly name: string },
    id: string,
    until: ReceiptStage,
    patience: Patience,
  ): Promise<Receipt> {
    const key = keyOf(recipient.did, id);
    const sent: Sent = { until, sentAt: this.#clock.elapsed(), stages: [] };
    this.#sent.set(key, sent);
    try {
      return await this.#waits.open<Receipt>(key, `receipt "${until}" from ${recipient.name} for ${id}`, patience);
    } catch (error) {
      throw this.#withProgress(error, sent);
    } finally {
      this.#sent.delete(key);
    }
  }

  arrive(did: string, ids: readonly string[], stage: ReceiptStage, reason: string | undefined): void {
    for (const id of ids) this.#arriveOne(did, id, stage, reason);
  }

  /** The message was refused by an error instead of a receipt. */
  refuse(did: string, id: string, error: HikyakuError): void {
    this.#waits.fail(keyOf(did, id), error);
  }

  #arriveOne(did: string, id: string, stage: ReceiptStage, reason: string | undefined): void {
    const key = keyOf(did, id);
    const sent = this.#sent.get(key);
    if (sent === undefined) return;
    const last = sent.stages.at(-1);
    // A stage counts once, and only upwards: so nobody can make this list grow.
    if (last !== undefined && rank[stage] <= rank[last.stage]) return;
    sent.stages.push({ stage, afterMs: Math.round(this.#clock.elapsed() - sent.sentAt) });
    if (stage === "refused")
      this.#waits.fail(key, new HikyakuError(toldByPeer(reason ?? ""), `The recipient refused the message (${toldByPeer(reason ?? "")}).`));
    else if (rank[stage] >= rank[sent.until]) this.#waits.settle(key, { id, stage, stages: sent.stages });
  }

  #withProgress(error: unknown, { stages }: Sent): unknown {
    const last = stages.at(-1)?.stage;
    if (!(error instanceof HikyakuError) || error.code !== "TIMED_OUT") return error;
    const known = last === undefined ? "Nobody knows whether it arrived." : `It is ${last}.`;
    return new HikyakuError("TIMED_OUT", `${error.message} ${known}`);
  }
}

const keyOf = (did: string, id: string): string => `receipt ${did} ${id}`;
