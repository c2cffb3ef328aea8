/** What the outbox counts, in one transaction: totals and recipients are read when they are first needed, and written once at its end. */
import type { LaneOut } from "@hikyaku/peer";
import type { Priority } from "@hikyaku/protocol";
import type { Ledger } from "./database.ts";
import type { Sql } from "./sql.ts";

/** A priority's index is its number in the database. */
export const priorities: readonly Priority[] = ["high", "normal", "low"];

export interface RecipientAccount {
  readonly recipientId: number;
  /** Unsettled messages and dead letters, and the bytes of their bodies. */
  kept: number;
  keptBytes: number;
  /** The last orders given, by priority. */
  readonly lastOrders: Record<Priority, number>;
}

export interface OutboxTotals {
  /** Unsettled messages and the bytes of their bodies. */
  count: number;
  bytes: number;
  /** Bytes of unsettled messages and dead letters. */
  keptBytes: number;
}

export class OutboxLedger implements Ledger {
  readonly totals: OutboxTotals;
  readonly #sql: Sql;
  readonly #recipients = new Map<string, RecipientAccount>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.totals = sql.get`SELECT count, bytes, kept_bytes AS keptBytes FROM outbox_totals` as unknown as OutboxTotals;
  }

  /** Somebody to whom nothing was ever sent gets an account. */
  recipient(did: string): RecipientAccount {
    return this.knownRecipient(did) ?? this.#add(did);
  }

  knownRecipient(did: string): RecipientAccount | undefined {
    const known = this.#recipients.get(did);
    if (known !== undefined) return known;
    const account = readRecipient(this.#sql, did);
    if (account !== undefined) this.#recipients.set(did, account);
    return account;
  }

  close(): void {
    const { count, bytes, keptBytes } = this.totals;
    this.#sql.run`UPDATE outbox_totals SET count = ${count}, bytes = ${bytes}, kept_bytes = ${keptBytes}`;
    for (const { recipientId, kept, keptBytes, lastOrders } of this.#recipients.values()) {
      this.#sql.run`
        UPDATE outbox_recipients
        SET kept = ${kept}, kept_bytes = ${keptBytes}, last_high = ${lastOrders.high}, last_normal = ${lastOrders.normal}, last_low = ${lastOrders.low}
        WHERE recipient_id = ${recipientId}`;
    }
  }

  #add(did: string): RecipientAccount {
    const { lastInsertRowid } = this.#sql.run`
      INSERT INTO outbox_recipients (did, kept, last_high, last_normal, last_low) VALUES (${did}, 0, 0, 0, 0)`;
    const account = { recipientId: Number(lastInsertRowid), kept: 0, keptBytes: 0, lastOrders: { high: 0, normal: 0, low: 0 } };
    this.#recipients.set(did, account);
    return account;
  }
}

export function readRecipient(sql: Sql, did: string): RecipientAccount | undefined {
  const row = sql.get`SELECT * FROM outbox_recipients WHERE did = ${did}`;
  return (
    row && {
      recipientId: Number(row["recipient_id"]),
      kept: Number(row["kept"]),
      keptBytes: Number(row["kept_bytes"]),
      lastOrders: { high: Number(row["last_high"]), normal: Number(row["last_normal"]), low: Number(row["last_low"]) },
    }
  );
}

export const priorityNumber = ({ priority }: Pick<LaneOut, "priority">): number => priorities.indexOf(priority);
