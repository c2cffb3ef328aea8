/** Approvals in SQLite (spec AGENT-4, AGENT-5). They are bound to the did of a peer, and go with it (agents-shape.ts). */
import { limits } from "@hikyaku/protocol";
import {
  type Approval,
  type ApprovalQuery,
  type Approvals,
  approvalStates,
  type Decider,
  type Decision,
  type Use,
} from "../agents/approvals.ts";
import type { Database } from "./database.ts";
import type { Sql } from "./sql.ts";

interface ApprovalRow {
  readonly id: string;
  readonly agent: string;
  readonly kind: Use["kind"];
  readonly did: string;
  readonly capability: string;
  readonly state: number;
  readonly asked_at: number;
  readonly decided_at: number | null;
  readonly decided_by: Decider | null;
}

/** Before this it has waited too long. */
const since = (now: number): number => now - limits.waitingApprovalMsMax;

export class SqliteApprovals implements Approvals {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(use: Use): Promise<Approval | undefined> {
    return this.#database.read((sql) => select(sql, use));
  }

  ask(use: Use, now: number): Promise<Approval> {
    return this.#database.change((sql) => {
      sql.run`DELETE FROM agent_approvals WHERE state = 0 AND asked_at < ${since(now)}`;
      sql.run`
        INSERT INTO agent_approvals (agent, kind, did, capability, asked_at)
        VALUES (${use.agent}, ${use.kind}, ${use.did}, ${use.capability ?? ""}, ${now})
        ON CONFLICT (did, agent, kind, capability) DO UPDATE SET state = 0, asked_at = excluded.asked_at, decided_at = NULL, decided_by = NULL
          WHERE decided_by = 'client'`;
      dropOldest(sql, use.agent);
      return select(sql, use) as Approval;
    });
  }

  async byPrefix(prefix: string, now: number): Promise<readonly Approval[]> {
    const rows = this.#database.read(
      (sql) =>
        sql.all`
          SELECT * FROM agent_approvals
          WHERE id >= ${prefix} AND id < ${`${prefix}g`} AND (state > 0 OR asked_at >= ${since(now)}) ORDER BY id LIMIT 2
        ` as unknown as readonly ApprovalRow[],
    );
    return rows.map(readApproval);
  }

  async list(query: ApprovalQuery): Promise<readonly Approval[]> {
    return this.#database.read((sql) => selectAll(sql, query)).map(readApproval);
  }

  decide({ id, state, by, at }: Decision): Promise<Approval | undefined> {
    return this.#database.change((sql) => {
      const changed = sql.run`
        UPDATE agent_approvals SET state = ${approvalStates.indexOf(state)}, decided_at = ${at}, decided_by = ${by}
        WHERE id = ${id} AND (state = 0 OR ${by} = 'owner')`;
      if (changed.changes === 0) return undefined;
      if (by === "client") dropOldestOfClients(sql);
      return readApproval(sql.get`SELECT * FROM agent_approvals WHERE id = ${id}` as unknown as ApprovalRow);
    });
  }

  forget(id: string): Promise<void> {
    return this.#database.change((sql) => {
      sql.run`DELETE FROM agent_approvals WHERE id = ${id}`;
    });
  }
}

function select(sql: Sql, { agent, kind, did, capability = "" }: Use): Approval | undefined {
  const row = sql.get`
    SELECT * FROM agent_approvals WHERE did = ${did} AND agent = ${agent} AND kind = ${kind} AND capability = ${capability}
  ` as ApprovalRow | undefined;
  return row === undefined ? undefined : readApproval(row);
}

function selectAll(sql: Sql, { state, agent, now, limit }: ApprovalQuery): readonly ApprovalRow[] {
  const code = approvalStates.indexOf(state);
  const from = state === "waiting" ? since(now) : 0;
  const rows =
    agent === undefined
      ? sql.all`SELECT * FROM agent_approvals WHERE state = ${code} AND asked_at >= ${from} ORDER BY asked_at, rowid LIMIT ${limit}`
      : sql.all`
          SELECT * FROM agent_approvals WHERE agent = ${agent} AND state = ${code} AND asked_at >= ${from} ORDER BY asked_at, rowid LIMIT ${limit}`;
  return rows as unknown as readonly ApprovalRow[];
}

function dropOldest(sql: Sql, agent: string): void {
  sql.run`
    DELETE FROM agent_approvals WHERE rowid IN (
      SELECT rowid FROM agent_approvals WHERE agent = ${agent} AND state = 0 ORDER BY asked_at DESC, rowid DESC
      LIMIT -1 OFFSET ${limits.waitingApprovalsPerAgentMax}
    )`;
  sql.run`
    DELETE FROM agent_approvals WHERE rowid IN (
      SELECT rowid FROM agent_approvals WHERE state = 0 ORDER BY asked_at DESC, rowid DESC LIMIT -1 OFFSET ${limits.waitingApprovalsMax}
    )`;
}

/** What the owner decided is never pushed out. */
function dropOldestOfClients(sql: Sql): void {
  sql.run`
    DELETE FROM agent_approvals WHERE rowid IN (
      SELECT rowid FROM agent_approvals WHERE decided_by = 'client' ORDER BY decided_at DESC, rowid DESC LIMIT -1 OFFSET ${limits.clientApprovalsMax}
    )`;
}

const readApproval = (row: ApprovalRow): Approval => ({
  id: row.id,
  agent: row.agent,
  kind: row.kind,
  did: row.did,
  ...(row.capability === "" ? {} : { capability: row.capability }),
  state: approvalStates[row.state] ?? "waiting",
  askedAt: row.asked_at,
  ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
  ...(row.decided_by === null ? {} : { by: row.decided_by }),
});
