/** What the owner does about agents: policies, decisions, and the list of what happened. Each change stands in that list. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { AgentGround } from "./agent-ground.ts";
import { type AuditQuery, dayOf, entryOf, type KeptAuditEntry } from "./agent-record.ts";
import type { Approval, ApprovalQuery } from "./approvals.ts";
import type { AgentPolicy } from "./policy.ts";

/** An agent as its owner sees it. */
export interface AgentView {
  readonly agent: string;
  readonly policy: AgentPolicy;
  /** Whether the policy was made for this name; else it is the one for all. */
  readonly isOwn: boolean;
  readonly tasksToday: number;
}

export class OwnerDesk {
  readonly #ground: AgentGround;

  constructor(ground: AgentGround) {
    this.#ground = ground;
  }

  /** Those with a policy of their own. */
  async agents(): Promise<readonly AgentView[]> {
    const policies = await this.#ground.policies.list();
    return await Promise.all([...policies.keys()].map((agent) => this.agent(agent)));
  }

  async agent(agent: string): Promise<AgentView> {
    const { policies, record, clock } = this.#ground;
    const isOwn = (await policies.find(agent)) !== undefined;
    return { agent, policy: await policies.holding(agent), isOwn, tasksToday: await record.spent(agent, dayOf(clock)) };
  }

  /** What is left out stays as it is. */
  async setPolicy(agent: string, change: Partial<AgentPolicy>): Promise<AgentView> {
    await this.#ground.policies.change(agent, change);
    await this.#note(agent);
    return await this.agent(agent);
  }

  async forget(agent: string): Promise<void> {
    await this.#ground.policies.forget(agent);
    await this.#note(agent);
  }

  /** And whether there are more of them. */
  async approvals({
    limit,
    ...query
  }: Omit<ApprovalQuery, "now">): Promise<{ readonly approvals: readonly Approval[]; readonly more: boolean }> {
    const found = await this.#ground.approvals.list({ ...query, limit: limit + 1, now: this.#ground.clock.now() });
    return { approvals: found.slice(0, limit), more: found.length > limit };
  }

  async decide(reference: string, state: "approved" | "denied"): Promise<Approval> {
    const { approvals, record, clock } = this.#ground;
    const { id } = await this.#find(reference);
    const at = clock.now();
    const decided = await approvals.decide({ id, state, by: "owner", at });
    if (decided === undefined) throw noApproval(reference);
    await record.add(entryOf(decided, { at, verdict: state, by: "owner" }));
    return decided;
  }

  /** Takes a decision back: it is asked for anew. */
  async revoke(reference: string): Promise<void> {
    const { approvals, record, clock } = this.#ground;
    const found = await this.#find(reference);
    await approvals.forget(found.id);
    await record.add(entryOf(found, { at: clock.now(), verdict: "changed", by: "owner" }));
  }

  async audit(query: AuditQuery): Promise<readonly KeptAuditEntry[]> {
    return await this.#ground.record.list({ ...query, limit: Math.min(query.limit, limits.inboxPageMax) });
  }

  async #note(agent: string): Promise<void> {
    await this.#ground.record.add({ at: this.#ground.clock.now(), agent, action: "policy", verdict: "changed", by: "owner" });
  }

  async #find(reference: string): Promise<Approval> {
    const [found, another] = await this.#ground.approvals.byPrefix(reference, this.#ground.clock.now());
    if (found === undefined) throw noApproval(reference);
    if (another !== undefined)
      throw new HikyakuError("INVALID_ARGUMENT", `Several approvals have ids that begin with ${reference}; give more of it.`);
    return found;
  }
}

const noApproval = (reference: string): HikyakuError =>
  new HikyakuError("INVALID_ARGUMENT", `No approval has the id ${reference}; \`hikyaku approve\` lists what waits, for a day at most.`);
