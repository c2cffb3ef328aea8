/** How messages enter and leave the outbox (spec §11): the changes of one transaction, with what they count. */
import { type Draft, type OutboxBounds, outboxIdTaken, type Progress, type QueuedMessage, requireOutboxRoom } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";
import { type OutboxLedger, priorityNumber, type RecipientAccount } from "./outbox-ledger.ts";
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

  advance(progress: Progress): boolean {
    const recipient = this.#ledger.knownRecipient(progress.to);
    return recipient !== undefined && this.#raise(progress, recipient);
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

  #raise(progress: Progress, recipient: RecipientAccount): boolean {
    const { stage } = progress;
    if (stage === "stored") return raiseToStored(this.#sql, progress, recipient);
    if (stage === "delivered") return raiseToDelivered(this.#sql, progress, recipient);
    const settled = finals[stage](this.#sql, progress, recipient) as { readonly bytes: number } | undefined;
    if (settled !== undefined) this.settle(settled, recipient, stage !== "handled");
    return settled !== undefined;
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

type Raise<Answer> = (sql: Sql, progress: Progress, recipient: RecipientAccount) => Answer;

const raiseToStored: Raise<boolean> = (sql, { id, at, sent }, { recipientId }) =>
  sql.run`
    UPDATE outbox SET stage = 1, stored_at = ${at}, tried_at = coalesce(${sent?.at ?? null}, tried_at), route = coalesce(${sent?.route ?? null}, route)
    WHERE id = ${id} AND recipient_id = ${recipientId} AND stage = 0`.changes === 1;

const raiseToDelivered: Raise<boolean> = (sql, { id, at, sent }, { recipientId }) =>
  sql.run`
    UPDATE outbox SET stage = 2, delivered_at = ${at}, tried_at = coalesce(${sent?.at ?? null}, tried_at), route = coalesce(${sent?.route ?? null}, route)
    WHERE id = ${id} AND recipient_id = ${recipientId} AND stage < 2`.changes === 1;

/** Only what time has not settled; of what was handled, nobody needs the body any more. */
const finals: Readonly<Record<"handled" | "refused" | "expired", Raise<unknown>>> = {
  handled: (sql, { id, at, reason, sent }, { recipientId }) => sql.get`
    UPDATE outbox SET stage = 3, settled_at = ${at}, reason = ${reason ?? null}, sealed_body = NULL,
      tried_at = coalesce(${sent?.at ?? null}, tried_at), route = coalesce(${sent?.route ?? null}, route)
    WHERE id = ${id} AND recipient_id = ${recipientId} AND stage < 3 AND settled_at IS NULL RETURNING bytes`,
  refused: (sql, { id, at, reason, sent }, { recipientId }) => sql.get`
    UPDATE outbox SET stage = 4, settled_at = ${at}, reason = ${reason ?? null},
      tried_at = coalesce(${sent?.at ?? null}, tried_at), route = coalesce(${sent?.route ?? null}, route)
    WHERE id = ${id} AND recipient_id = ${recipientId} AND stage < 3 AND settled_at IS NULL RETURNING bytes`,
  // What was delivered is not lost with its time.
  expired: (sql, { id, at, reason, sent }, { recipientId }) => sql.get`
    UPDATE outbox SET stage = 5, settled_at = ${at}, reason = ${reason ?? null},
      tried_at = coalesce(${sent?.at ?? null}, tried_at), route = coalesce(${sent?.route ?? null}, route)
    WHERE id = ${id} AND recipient_id = ${recipientId} AND stage < 2 RETURNING bytes`,
};
