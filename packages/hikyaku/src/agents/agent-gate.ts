/**
 * Where an agent is let through or turned away (spec §19). What it asks for is judged by its policy, cheapest check first, and written down before it is done. Who an agent is, is its
 * word: the gate keeps a well-meaning client within what its owner meant, and cannot hold a program that has the owner's token.
 */
import { RateLimiter } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { AgentGround } from "./agent-ground.ts";
import { type AuditEntry, dayOf, entryOf, type Outcome } from "./agent-record.ts";
import { ApprovalRequired } from "./approval-required.ts";
import type { Approval, Use } from "./approvals.ts";
import { type Addressee, capabilityAskedFor, type Deed, peersOf } from "./deed.ts";
import { wordsOn } from "./marking.ts";
import { type AgentPolicy, isListed } from "./policy.ts";

/** An agent with the policy that held when it asked. */
export interface AgentCaller {
  readonly name: string;
  readonly policy: AgentPolicy;
}

type Said = Pick<AuditEntry, "action" | "did" | "capability" | "bytes" | "ref" | "marked">;

export class AgentGate {
  readonly #ground: AgentGround;
  readonly #calls = new RateLimiter(limits.agentsCountedMax);
  /** Agents whose last call was above their rate: the next such call is not written down, since a flood must not push out what the owner wants to read. */
  readonly #flooding = new Set<string>();

  constructor(ground: AgentGround) {
    this.#ground = ground;
  }

  async enter(name: string): Promise<AgentCaller> {
    return { name, policy: await this.#ground.policies.holding(name) };
  }

  /** Resolves with the position of its entry where the deed may be done. Throws UNAUTHORIZED, MESSAGE_TOO_LARGE, RATE_LIMITED, QUOTA_EXCEEDED or APPROVAL_REQUIRED. */
  async admit(caller: AgentCaller, deed: Deed): Promise<number> {
    const said = saidOf(deed);
    await this.#pace(caller, said);
    const refusal = offList(caller, deed) ?? oversized(caller, deed);
    if (refusal !== undefined) throw await this.#refuse(caller, said, refusal);
    await this.#requireApproval(caller, deed, said);
    return await this.#allow(caller, deed, said);
  }

  /** How an admitted deed ended. */
  async conclude(position: number, outcome: Outcome): Promise<void> {
    await this.#ground.record.conclude(position, outcome);
  }

  /** What no agent may ask, by its method and path. */
  async turnAway(caller: AgentCaller, action: string): Promise<never> {
    await this.#pace(caller, { action });
    const message = `Agents may not ask for ${action}: that is for the owner, at the command line.`;
    throw await this.#refuse(caller, { action }, new HikyakuError("UNAUTHORIZED", message));
  }

  /** The agent's own client asked its person, who said yes. Only what waits, is this agent's own, and is not kept for the owner can be approved so. */
  async confirm(caller: AgentCaller, id: string): Promise<Approval> {
    const { approvals, record, clock } = this.#ground;
    const said = { action: "confirm", ref: id };
    await this.#pace(caller, said);
    const now = clock.now();
    const asked = (await approvals.byPrefix(id, now)).find((one) => one.id === id && one.agent === caller.name);
    const refusal = unconfirmable(caller, id, asked);
    if (refusal !== undefined) throw await this.#refuse(caller, said, refusal);
    if (asked?.state === "approved") return asked;
    const decided = await approvals.decide({ id, state: "approved", by: "client", at: now });
    if (decided === undefined) throw await this.#refuse(caller, said, notWaiting(id));
    await record.add(entryOf(decided, { at: now, verdict: "approved", by: "client" }));
    return decided;
  }

  async #pace(caller: AgentCaller, said: Said): Promise<void> {
    const { name, policy } = caller;
    const rate = { perMinute: policy.callsPerMinute, burst: policy.callsPerMinute };
    const waitS = this.#calls.take(name, rate, this.#ground.clock.elapsed());
    if (waitS === undefined) return void this.#flooding.delete(name);
    const message = `Agent ${name} may do ${policy.callsPerMinute} things a minute: come again in ${waitS} s, or let the owner raise it with \`hikyaku policy ${name} --calls-per-minute N\`.`;
    const refusal = new HikyakuError("RATE_LIMITED", message);
    if (this.#flooding.has(name) || this.#flooding.size >= limits.agentsCountedMax) throw refusal;
    this.#flooding.add(name);
    throw await this.#refuse(caller, said, refusal);
  }

  async #requireApproval(caller: AgentCaller, deed: Deed, said: Said): Promise<void> {
    const { approvals, record, clock } = this.#ground;
    const use = useOf(caller, deed);
    const [to] = peersOf(deed);
    if (use === undefined || to === undefined) return;
    const held = await approvals.find(use);
    if (held?.state === "denied") throw await this.#refuse(caller, said, denied(held, to.name));
    if (caller.policy.confirm === "never") return;
    // AGENT-4: what a client approved does not count where only the owner may.
    if (held?.state === "approved" && (held.by === "owner" || caller.policy.confirm === "first-use")) return;
    const now = clock.now();
    const { id } = await approvals.ask(use, now);
    await record.add({ ...said, at: now, agent: caller.name, verdict: "waiting", code: "APPROVAL_REQUIRED", ref: id });
    const message = `Agent ${caller.name} ${wishOf(use, to.name)}, which nobody has approved yet: \`hikyaku approve ${id}\` allows it.`;
    // A person at the client shall not be asked for a word that counts for nothing.
    if (caller.policy.confirm !== "first-use") throw new HikyakuError("APPROVAL_REQUIRED", message);
    throw new ApprovalRequired(message, id);
  }

  async #allow(caller: AgentCaller, deed: Deed, said: Said): Promise<number> {
    const { record, clock } = this.#ground;
    const { name, policy } = caller;
    const entry: AuditEntry = { ...said, at: clock.now(), agent: name, verdict: "allowed" };
    // What fails afterwards is counted all the same: a crash in between shall give nothing away.
    const spending = deed.kind === "delegate" ? { day: dayOf(clock), cost: deed.cost, max: policy.tasksPerDay } : undefined;
    const position = await record.add(entry, spending);
    if (position !== undefined) return position;
    const message = `Agent ${name} may have ${policy.tasksPerDay} tasks a day, with those that its workers hand on, and this one is worth ${spending?.cost}: ask with a smaller budget, wait until midnight UTC, or let the owner raise it with \`hikyaku policy ${name} --tasks-per-day N\`.`;
    throw await this.#refuse(caller, said, new HikyakuError("QUOTA_EXCEEDED", message));
  }

  /** Written down first, and then told. */
  async #refuse({ name }: AgentCaller, said: Said, refusal: HikyakuError): Promise<HikyakuError> {
    const { record, clock } = this.#ground;
    await record.add({ ...said, at: clock.now(), agent: name, verdict: "refused", code: refusal.code });
    return refusal;
  }
}

function offList(caller: AgentCaller, deed: Deed): HikyakuError | undefined {
  for (const to of peersOf(deed)) {
    const refusal = outOfReach(caller, to);
    if (refusal !== undefined) return refusal;
  }
  return unlistedCapability(caller, capabilityAskedFor(deed));
}

/** AGENT-2: who is not on the list, and who is nobody, are refused alike; where there is no list, nobody is hidden. */
function outOfReach({ name, policy }: AgentCaller, { did, name: whom }: Addressee): HikyakuError | undefined {
  if (did !== undefined && isListed(policy.peers, did)) return undefined;
  const said = JSON.stringify(whom);
  if (policy.peers === "all")
    return new HikyakuError("UNKNOWN_PEER", `No peer is called ${said}; \`hikyaku peers\` lists them, \`hikyaku pair\` adds one.`);
  return new HikyakuError(
    "UNAUTHORIZED",
    `Agent ${name} may not reach ${said}: the owner allows peers with \`hikyaku policy ${name} --peers NAMES\`.`,
  );
}

function unlistedCapability({ name, policy }: AgentCaller, capability: string | undefined): HikyakuError | undefined {
  if (capability === undefined || isListed(policy.capabilities, capability)) return undefined;
  return new HikyakuError(
    "UNAUTHORIZED",
    `Agent ${name} may not delegate ${JSON.stringify(capability)}: the owner allows capabilities with \`hikyaku policy ${name} --capabilities NAMES\`.`,
  );
}

function oversized({ name, policy }: AgentCaller, deed: Deed): HikyakuError | undefined {
  if (!("bytes" in deed) || deed.bytes <= policy.messageBytesMax) return undefined;
  return new HikyakuError(
    "MESSAGE_TOO_LARGE",
    `Agent ${name} may say ${policy.messageBytesMax} bytes at once and this has ${deed.bytes}: say less, or let the owner raise it with \`hikyaku policy ${name} --message-bytes N\`.`,
  );
}

/**
 * What takes an approval. Who answers gives more of what a delegation gives, also to a task that somebody else delegated, and needs the word for that one; who says why it cancels
 * sends that peer a message.
 */
function useOf({ name: agent }: AgentCaller, deed: Deed): Use | undefined {
  const { did } = peersOf(deed)[0] ?? {};
  if (did === undefined) return undefined;
  if (deed.kind === "send" || deed.kind === "wake") return { agent, kind: deed.kind, did };
  if (deed.kind === "steer" && deed.means === "cancel") return deed.bytes === 0 ? undefined : { agent, kind: "send", did };
  const capability = capabilityAskedFor(deed);
  return capability === undefined ? undefined : { agent, kind: "delegate", did, capability };
}

/** What is approved or denied is the use, also where an answer asks for it. */
function wishOf({ kind, capability }: Use, whom: string): string {
  if (kind === "delegate") return `wants to delegate ${JSON.stringify(capability)} to ${whom}, or to answer what it asks about that`;
  return kind === "wake" ? `wants to wake ${whom} up` : `wants to send messages to ${whom}, or to say why it cancels a task`;
}

const denied = (held: Approval, whom: string): HikyakuError =>
  new HikyakuError(
    "UNAUTHORIZED",
    `Agent ${held.agent} ${wishOf(held, whom)}, which the owner has denied: \`hikyaku approve ${held.id}\` takes that back.`,
  );

const notWaiting = (id: string): HikyakuError =>
  new HikyakuError("INVALID_ARGUMENT", `Nothing of this agent waits for the approval ${id}: ask for it anew.`);

function unconfirmable({ name, policy }: AgentCaller, id: string, asked: Approval | undefined): HikyakuError | undefined {
  if (asked === undefined) return notWaiting(id);
  if (asked.state === "denied")
    return new HikyakuError("UNAUTHORIZED", `The owner has denied it: \`hikyaku approve ${id}\` takes that back.`);
  if (policy.confirm === "first-use") return undefined;
  return new HikyakuError(
    "UNAUTHORIZED",
    `Only the owner may approve what agent ${name} does: \`hikyaku approve ${id}\` at the command line.`,
  );
}

const saidOf = (deed: Deed): Said => ({
  action: deed.kind,
  ...didIn(peersOf(deed)),
  ...("capability" in deed ? { capability: deed.capability } : {}),
  ...("bytes" in deed ? { bytes: deed.bytes } : {}),
  ...(deed.kind === "steer" ? { ref: deed.task } : {}),
  ...(deed.kind === "mark" ? { marked: wordsOn(deed) } : {}),
});

/** Where there are several, the words on the deed name them. */
const didIn = ([one, another]: readonly Addressee[]): Pick<Said, "did"> =>
  one?.did === undefined || another !== undefined ? {} : { did: one.did };
