/** What agents did and spent, in SQLite (spec AGENT-3, AGENT-6). */
import { limits } from "@hikyaku/protocol";
import type { AgentRecord, AuditEntry, AuditQuery, AuditVerdict, KeptAuditEntry, Outcome, Spending } from "../agents/agent-record.ts";
import type { Decider } from "../agents/approvals.ts";
import type { Database } from "./database.ts";
import type { Sql } from "./sql.ts";

interface AuditRow {
  readonly position: number;
  readonly at: number;
  readonly agent: string;
  readonly action: string;
  readonly did: string | null;
  readonly capability: string | null;
  readonly bytes: number | null;
  readonly verdict: AuditVerdict;
  readonly code: string | null;
  readonly decided_by: Decider | null;
  readonly ref: string | null;
  readonly marked: string | null;
}

export class SqliteAgentRecord implements AgentRecord {
  readonly #database: Database;
  readonly #entriesMax: number;

  constructor(database: Database, { agentAuditMax }: { readonly agentAuditMax: number } = limits) {
    this.#database = database;
    this.#entriesMax = agentAuditMax;
  }

  add(entry: AuditEntry, spending?: Spending): Promise<number | undefined> {
    return this.#database.change((sql) => {
      if (spending !== undefined && !spend(sql, entry.agent, spending)) return undefined;
      const position = Number(insert(sql, entry));
      sql.run`DELETE FROM agent_audit WHERE position <= ${position - this.#entriesMax}`;
      return position;
    });
  }

  conclude(position: number, { code, ref }: Outcome): Promise<void> {
    return this.#database.change((sql) => {
      sql.run`UPDATE agent_audit SET code = ${code ?? null}, ref = coalesce(${ref ?? null}, ref) WHERE position = ${position}`;
    });
  }

  async list({ agent, after, limit }: AuditQuery): Promise<readonly KeptAuditEntry[]> {
    const rows = this.#database.read((sql) => (after === undefined ? newest(sql, agent, limit) : next(sql, { agent, after, limit })));
    return (rows as unknown as readonly AuditRow[]).map(readEntry);
  }

  async spent(agent: string, day: number): Promise<number> {
    return this.#database.read((sql) => spentOn(sql, agent, day));
  }
}

/** Whether the day allows it. */
function spend(sql: Sql, agent: string, { day, cost, max }: Spending): boolean {
  const tasks = spentOn(sql, agent, day) + cost;
  if (tasks > max) return false;
  sql.run`INSERT OR REPLACE INTO agent_spendings (agent, day, tasks) VALUES (${agent}, ${day}, ${tasks})`;
  sql.run`DELETE FROM agent_spendings WHERE day <= ${day - limits.agentSpendingDaysKept}`;
  return true;
}

const spentOn = (sql: Sql, agent: string, day: number): number =>
  Number(sql.get`SELECT tasks FROM agent_spendings WHERE day = ${day} AND agent = ${agent}`?.["tasks"] ?? 0);

const insert = (sql: Sql, { at, agent, action, did, capability, bytes, verdict, code, by, ref, marked }: AuditEntry): number | bigint =>
  sql.run`
    INSERT INTO agent_audit (at, agent, action, did, capability, bytes, verdict, code, decided_by, ref, marked)
    VALUES (
      ${at}, ${agent}, ${action}, ${did ?? null}, ${capability ?? null}, ${bytes ?? null}, ${verdict}, ${code ?? null}, ${by ?? null},
      ${ref ?? null}, ${marked ?? null}
    )`.lastInsertRowid;

const newest = (sql: Sql, agent: string | undefined, limit: number): readonly object[] =>
  (agent === undefined
    ? sql.all`SELECT * FROM agent_audit WHERE position > 0 ORDER BY position DESC LIMIT ${limit}`
    : sql.all`SELECT * FROM agent_audit WHERE agent = ${agent} ORDER BY position DESC LIMIT ${limit}`
  ).reverse();

const next = (
  sql: Sql,
  { agent, after, limit }: Required<Pick<AuditQuery, "after" | "limit">> & { agent: string | undefined },
): readonly object[] =>
  agent === undefined
    ? sql.all`SELECT * FROM agent_audit WHERE position > ${after} ORDER BY position LIMIT ${limit}`
    : sql.all`SELECT * FROM agent_audit WHERE agent = ${agent} AND position > ${after} ORDER BY position LIMIT ${limit}`;

const readEntry = ({ position, at, agent, action, verdict, ...row }: AuditRow): KeptAuditEntry => ({
  position,
  at,
  agent,
  action,
  ...(row.did === null ? {} : { did: row.did }),
  ...(row.capability === null ? {} : { capability: row.capability }),
  ...(row.bytes === null ? {} : { bytes: row.bytes }),
  verdict,
  ...(row.code === null ? {} : { code: row.code }),
  ...(row.decided_by === null ? {} : { by: row.decided_by }),
  ...(row.ref === null ? {} : { ref: row.ref }),
  ...(row.marked === null ? {} : { marked: row.marked }),
});
