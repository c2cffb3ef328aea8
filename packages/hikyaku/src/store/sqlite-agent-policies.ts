/** Agents' policies in SQLite (spec AGENT-2). */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { AgentPolicies } from "../agents/agent-policies.ts";
import { approvalStates } from "../agents/approvals.ts";
import { type AgentPolicy, everyAgent, type Listed, policyUnlessTold } from "../agents/policy.ts";
import type { Database } from "./database.ts";
import type { Sql } from "./sql.ts";

interface PolicyRow {
  readonly agent: string;
  readonly peers: string | null;
  readonly capabilities: string | null;
  readonly message_bytes_max: number;
  readonly calls_per_minute: number;
  readonly tasks_per_day: number;
  readonly confirm: AgentPolicy["confirm"];
}

export class SqliteAgentPolicies implements AgentPolicies {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list(): Promise<ReadonlyMap<string, AgentPolicy>> {
    const rows = this.#database.read((sql) => sql.all`SELECT * FROM agent_policies ORDER BY agent` as unknown as readonly PolicyRow[]);
    return new Map(rows.map((row) => [row.agent, readPolicy(row)]));
  }

  async find(agent: string): Promise<AgentPolicy | undefined> {
    return this.#database.read((sql) => select(sql, agent));
  }

  async holding(agent: string): Promise<AgentPolicy> {
    return this.#database.read((sql) => holding(sql, agent));
  }

  change(agent: string, change: Partial<AgentPolicy>): Promise<void> {
    return this.#database.change((sql) => {
      requireRoom(sql, agent);
      const policy = { ...holding(sql, agent), ...change };
      sql.run`
        INSERT OR REPLACE INTO agent_policies (agent, peers, capabilities, message_bytes_max, calls_per_minute, tasks_per_day, confirm)
        VALUES (
          ${agent}, ${textOf(policy.peers)}, ${textOf(policy.capabilities)}, ${policy.messageBytesMax}, ${policy.callsPerMinute},
          ${policy.tasksPerDay}, ${policy.confirm}
        )`;
    });
  }

  forget(agent: string): Promise<void> {
    return this.#database.change((sql) => {
      sql.run`DELETE FROM agent_policies WHERE agent = ${agent}`;
      sql.run`DELETE FROM agent_approvals WHERE agent = ${agent} AND state <> ${approvalStates.indexOf("denied")}`;
    });
  }
}

function select(sql: Sql, agent: string): AgentPolicy | undefined {
  const row = sql.get`SELECT * FROM agent_policies WHERE agent = ${agent}` as PolicyRow | undefined;
  return row === undefined ? undefined : readPolicy(row);
}

const holding = (sql: Sql, agent: string): AgentPolicy => select(sql, agent) ?? select(sql, everyAgent) ?? policyUnlessTold;

function requireRoom(sql: Sql, agent: string): void {
  const others = Number(sql.get`SELECT count(*) AS others FROM agent_policies WHERE agent <> ${agent}`?.["others"]);
  if (others < limits.agentPoliciesMax) return;
  const message = `${limits.agentPoliciesMax} agents have a policy, which is the limit: forget one with \`hikyaku policy NAME --remove\`.`;
  throw new HikyakuError("QUOTA_EXCEEDED", message);
}

const textOf = (list: Listed): string | null => (list === "all" ? null : JSON.stringify(list));
const listOf = (text: string | null): Listed => (text === null ? "all" : (JSON.parse(text) as readonly string[]));

const readPolicy = (row: PolicyRow): AgentPolicy => ({
  peers: listOf(row.peers),
  capabilities: listOf(row.capabilities),
  messageBytesMax: row.message_bytes_max,
  callsPerMinute: row.calls_per_minute,
  tasksPerDay: row.tasks_per_day,
  confirm: row.confirm,
});
