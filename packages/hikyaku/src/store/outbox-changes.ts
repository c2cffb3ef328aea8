/** How messages enter and leave the outbox (spec §11): the changes of one transaction, with what they count. */
import { type Draft, type OutboxBounds, outboxIdTaken, type Progress, type QueuedMessage, requireOutboxRoom } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";
import { type OutboxLedger, priorityNumber, type RecipientAccount } from "./outbox-ledger.ts";
import { type Step, stepsOf, takeStep } from "./outbox-steps.ts";
import type { Sql } from "./sql.ts";

export interface ChangeSettings {
  readonly bounds: OutboxBounds;
  readonly seal: (draft: Draft) => Bytes;
}

/** A dead letter that goes in the same change. */
interface Freed {
  readonly position: number;
  readonly recipient: string;
  readonly bytes: number;
}

export class OutboxChanges {
  readonly #sql: Sql;
  readonly #ledger: OutboxLedger;
  readonly #settings: ChangeSettings;

  constructor(sql: Sql, ledger: OutboxLedger, settings: ChangeSettings) {
    this.#sql = sql;
    this.#ledger = ledger;
    this.#settings = settings;
  }

  add(draft: Draft): QueuedMessage {
    const { to, priority } = draft;
    const bytes = Buffer.byteLength(draft.body);
    const recipient = this.#ledger.recipient(to);
    this.#refuse(draft, recipient, bytes);
    const order = recipient.lastOrders[priority] + 1;
    if (!this.#insert(draft, recipient, order, bytes)) throw outboxIdTaken(draft);
    recipient.lastOrders[priority] = order;
    recipient.kept += 1;
    recipient.keptBytes += bytes;
    this.#ledger.totals.count += 1;
    this.#ledger.totals.bytes += bytes;
    this.#ledger.totals.keptBytes += bytes;
    return { ...draft, order };
  }

  bury(id: string, asNew: Draft | undefined): "buried" | QueuedMessage | undefined {
    const dead = this.#sql.get`
      SELECT position, did AS recipient, bytes FROM outbox JOIN outbox_recipients USING (recipient_id)
      WHERE id = ${id} AND stage IN (4, 5)` as Freed | undefined;
    if (dead === undefined) return undefined;
    // All refusals come before the first change.
    if (asNew !== undefined) this.#refuseInPlaceOf(dead, asNew);
    this.#sql.run`DELETE FROM outbox WHERE position = ${dead.position}`;
    this.#release(dead, this.#ledger.recipient(dead.recipient));
    return asNew === undefined ? "buried" : this.add(asNew);
  }

  /** Answers with what came further. */
  advance(progress: readonly Progress[]): readonly Progress[] {
    return stepsOf(progress).flatMap((step) => this.#take(step));
  }

  /** A message that is neither sent nor asked about any more. A dead letter goes on being kept. */
  settle({ bytes }: { readonly bytes: number }, recipient: RecipientAccount, isDead: boolean): void {
    this.#ledger.totals.count -= 1;
    this.#ledger.totals.bytes -= bytes;
    if (!isDead) this.#release({ bytes }, recipient);
  }

  #release({ bytes }: { readonly bytes: number }, recipient: RecipientAccount): void {
    this.#ledger.totals.keptBytes -= bytes;
    recipient.keptBytes -= bytes;
    recipient.kept -= 1;
  }

  #take(step: Step): readonly Progress[] {
    const [{ to, stage }] = step;
    const recipient = this.#ledger.knownRecipient(to);
    if (recipient === undefined) return [];
    const risen = takeStep(this.#sql, step, recipient.recipientId);
    if (stage !== "stored" && stage !== "delivered") for (const message of risen) this.settle(message, recipient, stage !== "handled");
    const ids = new Set(risen.map(({ id }) => id));
    return step.filter(({ id }) => ids.delete(id));
  }

  #refuseInPlaceOf(dead: Freed, asNew: Draft): void {
    const isTaken = this.#sql.get`SELECT 1 FROM outbox WHERE id = ${asNew.id}` !== undefined;
    if (isTaken) throw outboxIdTaken(asNew);
    this.#refuse(asNew, this.#ledger.recipient(asNew.to), Buffer.byteLength(asNew.body), dead);
  }

  /** `freed`: what goes in the same change. */
  #refuse(draft: Draft, recipient: RecipientAccount, bytes: number, freed?: Freed): void {
    const goes = freed?.recipient === draft.to ? freed : undefined;
    const fill = {
      bytes: this.#ledger.totals.keptBytes - (freed?.bytes ?? 0) + bytes,
      recipientBytes: recipient.keptBytes - (goes?.bytes ?? 0) + bytes,
      recipientCount: recipient.kept - (goes === undefined ? 0 : 1) + 1,
    };
    requireOutboxRoom(draft, fill, this.#settings.bounds);
  }

  #insert(draft: Draft, { recipientId }: RecipientAccount, order: number, bytes: number): boolean {
    const { id, type, sentAt, exp, replyTo = null, thread = null } = draft;
    const { changes } = this.#sql.run`
      INSERT INTO outbox (id, recipient_id, priority, lane_order, stage, type, bytes, sent_at, exp, reply_to, thread, sealed_body)
      VALUES (
        ${id}, ${recipientId}, ${priorityNumber(draft)}, ${order}, 0, ${type}, ${bytes}, ${sentAt}, ${exp}, ${replyTo}, ${thread},
        ${this.#settings.seal(draft)}
      )
      ON CONFLICT (id) DO NOTHING`;
    return changes === 1;
  }
}
