/** What a peer still has to be told of its messages (spec §11): for each id the last stage alone, told in as few receipts as possible. */
import { limits, type ReceiptBody, type ReceiptStage } from "@hikyaku/protocol";

interface Told {
  readonly stage: ReceiptStage;
  readonly reason: string | undefined;
}

export const stageRanks: Readonly<Record<ReceiptStage, number>> = { stored: 0, delivered: 1, handled: 2, refused: 2 };

export class ReceiptBook {
  readonly #pending = new Map<string, Told>();
  #isDue = false;

  get size(): number {
    return this.#pending.size;
  }

  /** Whether what is told here waits for no more of its kind (spec DLV-10). */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** There has been time enough for more. */
  ripen(): void {
    this.#isDue = this.#pending.size > 0;
  }

  /** Above the bound the oldest goes: its sender asks again. */
  note(ids: readonly string[], stage: ReceiptStage, reason?: string): void {
    for (const id of ids) {
      const held = this.#pending.get(id);
      if (held !== undefined && stageRanks[held.stage] >= stageRanks[stage]) continue;
      const oldest = this.#pending.keys().next();
      if (held === undefined && this.#pending.size >= limits.pendingReceiptsMax && oldest.done !== true) this.#pending.delete(oldest.value);
      this.#pending.set(id, { stage, reason });
    }
  }

  /** The next receipt: the oldest id with as many others of its stage and reason as fit. */
  take(): ReceiptBody | undefined {
    const [first] = this.#pending.values();
    if (first === undefined) return undefined;
    const ids: string[] = [];
    for (const [id, { stage, reason }] of this.#pending) {
      if (ids.length >= limits.receiptIdsMax) break;
      if (stage === first.stage && reason === first.reason) ids.push(id);
    }
    for (const id of ids) this.#pending.delete(id);
    if (this.#pending.size === 0) this.#isDue = false;
    return { ids, stage: first.stage, ...(first.reason === undefined ? {} : { reason: first.reason }) };
  }

  clear(): void {
    this.#pending.clear();
    this.#isDue = false;
  }
}
