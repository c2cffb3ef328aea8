/** Everything about agents that a database keeps. */
import type { AgentStores } from "../agents/agent-ground.ts";
import type { Database } from "./database.ts";
import { SqliteAgentPolicies } from "./sqlite-agent-policies.ts";
import { SqliteAgentRecord } from "./sqlite-agent-record.ts";
import { SqliteApprovals } from "./sqlite-approvals.ts";

export const sqliteAgentStores = (database: Database): AgentStores => ({
  policies: new SqliteAgentPolicies(database),
  approvals: new SqliteApprovals(database),
  record: new SqliteAgentRecord(database),
});
