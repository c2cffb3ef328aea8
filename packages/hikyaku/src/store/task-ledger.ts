/** What tasks count, in one transaction: totals and parties are read when they are first needed, and written once at its end. */
import type { TaskRole } from "@hikyaku/peer";
import type { Ledger } from "./database.ts";
import type { Sql } from "./sql.ts";
import { roleNumber } from "./task-rows.ts";

/** The other side of tasks, seen from one role of ours. */
export interface PartyAccount {
  readonly partyId: number;
  /** Tasks that have not ended. */
  open: number;
  /** What all of its tasks take. */
  bytes: number;
}

export interface TaskTotals {
  /** The last one given. */
  position: number;
  /** Tasks that have not ended, by role. */
  readonly open: Record<TaskRole, number>;
}

export class TaskLedger implements Ledger {
  readonly totals: TaskTotals;
  readonly #sql: Sql;
  readonly #parties = new Map<string, PartyAccount>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.totals = readTotals(sql);
  }

  /** Somebody with whom there was no task in this role gets an account. */
  party(role: TaskRole, did: string): PartyAccount {
    return this.knownParty(role, did) ?? this.#add(role, did);
  }

  knownParty(role: TaskRole, did: string): PartyAccount | undefined {
    const known = this.#parties.get(keyOf(role, did));
    if (known !== undefined) return known;
    const account = readParty(this.#sql, role, did);
    if (account !== undefined) this.#parties.set(keyOf(role, did), account);
    return account;
  }

  close(): void {
    const { position, open } = this.totals;
    this.#sql.run`UPDATE task_totals SET position = ${position}, open_requester = ${open.requester}, open_worker = ${open.worker}`;
    for (const { partyId, open: ofParty, bytes } of this.#parties.values()) {
      this.#sql.run`UPDATE task_parties SET open = ${ofParty}, bytes = ${bytes} WHERE party_id = ${partyId}`;
    }
  }

  #add(role: TaskRole, did: string): PartyAccount {
    const { lastInsertRowid } = this.#sql.run`INSERT INTO task_parties (role, did, open, bytes) VALUES (${roleNumber(role)}, ${did}, 0, 0)`;
    const account = { partyId: Number(lastInsertRowid), open: 0, bytes: 0 };
    this.#parties.set(keyOf(role, did), account);
    return account;
  }
}

export function readTotals(sql: Sql): TaskTotals {
  const row = sql.get`SELECT position, open_requester, open_worker FROM task_totals`;
  return {
    position: Number(row?.["position"]),
    open: { requester: Number(row?.["open_requester"]), worker: Number(row?.["open_worker"]) },
  };
}

export function readParty(sql: Sql, role: TaskRole, did: string): PartyAccount | undefined {
  const row = sql.get`SELECT party_id, open, bytes FROM task_parties WHERE did = ${did} AND role = ${roleNumber(role)}`;
  return row && { partyId: Number(row["party_id"]), open: Number(row["open"]), bytes: Number(row["bytes"]) };
}

const keyOf = (role: TaskRole, did: string): string => `${role} ${did}`;
