/** Work between peers (spec §17): what we do for others, what others do for us, and who follows it. */
import { type BodyByType, type Bytes, type Capability, HikyakuError, isFinalState, limits } from "@hikyaku/protocol";
import type { KeptOffer, OfferStore } from "../ports/offer-store.ts";
import type { TaskKey, TaskQuery, TaskRecord } from "../ports/task-store.ts";
import { Announcer } from "./announcer.ts";
import { Assignments } from "./assignments.ts";
import { type CapabilityHandler, type CapabilitySettings, CapabilityTable, type OwnCapability } from "./capability-table.ts";
import { type DelegateOptions, Delegations } from "./delegations.ts";
import { Followers } from "./followers.ts";
import { Task } from "./task.ts";
import type { TaskMessageType, WorkGround } from "./work-ground.ts";

export interface WorkParts {
  readonly ground: WorkGround;
  readonly offers: OfferStore;
  /** What the store held when the peer started. */
  readonly keptOffers: readonly KeptOffer[];
  readonly dice: () => Bytes;
  readonly nameOf: (did: string) => string;
  /** The did that a name or a did means; throws UNKNOWN_PEER. */
  readonly didOf: (reference: string) => string;
  /** Whether this peer may ask for work. */
  readonly mayAsk: (did: string) => boolean;
  readonly fateOf: (id: string) => Promise<{ readonly stage: string; readonly reason?: string } | undefined>;
}

export class Work {
  readonly followers: Followers;
  readonly delegations: Delegations;
  readonly capabilities: CapabilityTable;
  readonly #assignments: Assignments;
  readonly #announcer: Announcer;
  readonly #ground: WorkGround;
  readonly #mayAsk: WorkParts["mayAsk"];
  #isSweeping = false;
  /** Until what an earlier run left is counted, time settles nothing of it. */
  #hasResumed = false;

  constructor({ ground, offers, keptOffers, dice, nameOf, didOf, mayAsk, fateOf }: WorkParts) {
    const capabilities = new CapabilityTable(offers, ground.clock, keptOffers);
    this.followers = new Followers(ground.tasks, ground.closing);
    this.#ground = {
      ...ground,
      changed: (key) => {
        this.followers.changed(key);
        ground.changed(key);
      },
    };
    this.capabilities = capabilities;
    this.#mayAsk = mayAsk;
    this.#announcer = new Announcer(this.#ground);
    this.#assignments = new Assignments({
      ground: this.#ground,
      capabilities,
      announcer: this.#announcer,
      nameOf,
      mayAsk,
      handOn: async (within, to, capability, input, options) =>
        new Task(this, await this.delegate(didOf(to), capability, input, { ...options, within }), undefined),
    });
    this.delegations = new Delegations({ ground: this.#ground, dice, fateOf });
  }

  get openAssignments(): number {
    return this.#assignments.size;
  }

  /** What an earlier run left is taken up again. */
  async resume(): Promise<void> {
    await this.#assignments.resume();
    await this.#announcer.resume();
    await this.delegations.resume();
    this.#hasResumed = true;
  }

  /** Offers a capability; work that waits for it begins. */
  async offer(
    name: string,
    settings: CapabilitySettings,
    handler: CapabilityHandler<never, unknown>,
    peers: readonly string[] | undefined,
  ): Promise<void> {
    await this.capabilities.add(name, settings, handler, peers);
    this.#assignments.begin(name);
  }

  ownCapabilities(): readonly OwnCapability[] {
    return this.capabilities.list((name) => this.#assignments.loadOf(name));
  }

  /** CAP-2: whoever may not ask for work is told of none, since what a peer can do, and how busy it is, is for those it works for. */
  capabilitiesFor(did: string): readonly Capability[] {
    if (!this.#mayAsk(did)) return [];
    return this.capabilities.listFor(did, (name) => this.#assignments.loadOf(name));
  }

  /** Whether a delegation may come in at all: why not, before anything of it is kept (spec CAP-2, TASK-9). */
  refusalOf(did: string, { capability }: BodyByType["task_delegate"]): "UNAUTHORIZED" | "QUOTA_EXCEEDED" | undefined {
    if (!this.capabilities.isOffered(capability, did)) return "UNAUTHORIZED";
    return this.#assignments.hasRoomFor(did) ? undefined : "QUOTA_EXCEEDED";
  }

  /** Acts on a body that is durable in the inbox. Doing so twice does what doing so once does. */
  async receive(did: string, type: TaskMessageType, body: BodyByType[TaskMessageType]): Promise<void> {
    switch (type) {
      case "task_delegate":
        return await this.#assignments.receive(did, body as BodyByType["task_delegate"]);
      case "task_update":
        return await this.delegations.apply(did, body as BodyByType["task_update"]);
      case "task_cancel":
        return await this.#assignments.cancel(did, body as BodyByType["task_cancel"]);
      case "task_query":
        return await this.#assignments.query(did, body as BodyByType["task_query"]);
      case "task_input":
        return this.#assignments.answer(did, body as BodyByType["task_input"]);
    }
  }

  async delegate(peer: string, capability: string, input: unknown, options: DelegateOptions): Promise<TaskKey> {
    return await this.delegations.delegate(peer, capability, input, options);
  }

  /**
   * A task by its id or the beginning of it; throws UNKNOWN_TASK, or INVALID_ARGUMENT where several begin so. A task of ours is meant before one of another, who may have chosen
   * the same id. Tasks with peers that are not `among` those meant are as if they were not there.
   */
  async resolve(id: string, among: (did: string) => boolean = () => true): Promise<TaskRecord> {
    const found = (await this.#ground.tasks.findByPrefix(id, limits.inboxPageMax)).filter(({ peer }) => among(peer));
    const ours = found.filter(({ role }) => role === "requester");
    const [task, another] = ours.length > 0 ? ours : found;
    if (task === undefined)
      throw new HikyakuError("UNKNOWN_TASK", `No task has the id ${JSON.stringify(id)}; \`hikyaku tasks\` lists them.`);
    if (another !== undefined)
      throw new HikyakuError("INVALID_ARGUMENT", `More than one task begins with ${JSON.stringify(id)}; give more of its id.`);
    return task;
  }

  async list(query: TaskQuery): Promise<readonly TaskRecord[]> {
    return await this.#ground.tasks.list(query);
  }

  async inputOf(task: TaskKey): Promise<unknown> {
    return JSON.parse((await this.#ground.tasks.input(task)) ?? "null") as unknown;
  }

  async find(key: TaskKey): Promise<TaskRecord | undefined> {
    return await this.#ground.tasks.find(key);
  }

  /** Ends a task: of ours by asking its worker, of somebody else's by stopping to work on it. Throws INVALID_ARGUMENT where it has ended. */
  async cancel(task: TaskRecord, reason?: string): Promise<void> {
    if (isFinalState(task.state)) throw new HikyakuError("INVALID_ARGUMENT", `The task has ended already: it is ${task.state}.`);
    if (task.role === "requester") return await this.delegations.cancel(task, reason);
    await this.#assignments.cancel(task.peer, { task_id: task.id, ...(reason === undefined ? {} : { reason }) });
  }

  /** What time settles: deadlines, and what is long over. One round at a time. */
  async sweep(): Promise<void> {
    if (this.#isSweeping || !this.#hasResumed) return;
    this.#isSweeping = true;
    try {
      await this.#assignments.sweep();
      await this.delegations.sweep();
      await this.capabilities.renew();
      await this.capabilities.sweep();
      await this.#ground.tasks.sweep(this.#ground.clock.now() - limits.taskKeptMs, limits.inboxPageMax);
    } finally {
      this.#isSweeping = false;
    }
  }
}
