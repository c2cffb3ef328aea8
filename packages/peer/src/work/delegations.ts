/**
 * Work that we gave to others (spec TASK-1, TASK-6): kept until its worker has it, followed by its events, each taken once and in order, and never without an end: where the
 * worker cannot be heard of beyond the deadline, the task has failed here.
 */
import { type Bytes, HikyakuError, isFinalState, limits, newMessageId, type Priority, type TaskUpdateBody } from "@hikyaku/protocol";
import type { TaskDraft, TaskKey, TaskNews, TaskRecord } from "../ports/task-store.ts";
import { jsonText } from "./task-content.ts";
import { openTasks, unsaidTasks } from "./task-walk.ts";
import { textOfKey, type WorkGround } from "./work-ground.ts";

export interface DelegateOptions {
  /** A moment of this machine's clock; in a day unless told, in a week at most. */
  readonly deadline?: Date;
  readonly priority?: Priority;
  /** Asked again with the same key and input, the first task is given back, and no second one begun. */
  readonly idempotencyKey?: string;
  /** How many further tasks may be delegated for the sake of this one. */
  readonly budget?: number;
  /** The task for whose sake this is asked; it bounds how far the work may be handed on. */
  readonly within?: TaskKey;
}

export interface DelegationsParts {
  readonly ground: WorkGround;
  readonly dice: () => Bytes;
  /** What became of the message of this id, where it was refused or has expired. */
  readonly fateOf: (id: string) => Promise<{ readonly stage: string; readonly reason?: string } | undefined>;
}

/** How many further tasks may be delegated for the sake of one that says nothing of it; below another it is half of what that one has left. */
export const budgetUnlessTold = (above: Pick<TaskRecord, "chain" | "spent"> | undefined): number =>
  above === undefined ? limits.taskBudgetDefault : Math.max(0, Math.floor((above.chain.budget - above.spent - 1) / 2));

type News = Omit<TaskNews, "at">;

const tooMuch: News = { state: "failed", code: "QUOTA_EXCEEDED", detail: "The worker told more of the task than a task may have." };
const unheard: News = { state: "failed", code: "DEADLINE_EXCEEDED", detail: "The deadline passed without a word of the worker." };

export class Delegations {
  readonly #parts: DelegationsParts;
  /** When we last asked for what we missed of a task, by the monotonic clock. */
  readonly #askedAt = new Map<string, number>();
  /** Tasks that are on their way into the outbox. */
  readonly #handing = new Set<string>();

  constructor(parts: DelegationsParts) {
    this.#parts = parts;
  }

  /** Keeps the task and hands it to the outbox. Rejects having kept nothing with INVALID_ARGUMENT, MESSAGE_TOO_LARGE, QUOTA_EXCEEDED or STORAGE_FAILED. */
  async delegate(peer: string, capability: string, input: unknown, options: DelegateOptions = {}): Promise<TaskKey> {
    const { ground } = this.#parts;
    const draft = await this.#draftOf(peer, capability, input, options);
    const added = await ground.tasks.add(draft, options.within === undefined ? {} : { within: options.within });
    switch (added.kind) {
      case "added":
        ground.count("task.delegated");
        await this.#hand(draft);
        return draft;
      case "taken":
        return await this.#again(draft, added.task);
      case "overspent":
        throw new HikyakuError(
          "QUOTA_EXCEEDED",
          "The task for whose sake this is asked has ended, or its budget of further tasks is used up.",
        );
      default:
        throw new HikyakuError(
          "QUOTA_EXCEEDED",
          `More than ${limits.openDelegationsMax} tasks are open, or those of this peer take all of its room; wait until some have ended, or cancel them.`,
        );
    }
  }

  /** TASK-6: an event of a task that this peer does for us. Repeated ones, those of others and those that come after the end change nothing; where some are missing we ask. */
  async apply(peer: string, { task_id: id, cursor, ...said }: TaskUpdateBody): Promise<void> {
    const { ground } = this.#parts;
    const key: TaskKey = { role: "requester", peer, id };
    // TASK-9: a worker that never comes to an end must not fill our disk.
    if (cursor > limits.taskEventsMax) return await this.#giveUp(key, tooMuch);
    const appended = await ground.durably(() => ground.tasks.append(key, newsOf(said), ground.clock.now(), cursor));
    ground.count(`task.update.${appended.kind}`);
    if (appended.kind === "ahead") await this.#ask(key, appended.cursor);
    if (appended.kind === "full") return await this.#giveUp(key, tooMuch);
    if (appended.kind !== "appended") return;
    if (isFinalState(said.state)) this.#askedAt.delete(textOfKey(key));
    ground.changed(key);
  }

  /** TASK-5: asks the worker to end it; how it ended in the end is the worker's word. A task that has ended stays as it is. */
  async cancel(key: TaskKey, reason?: string): Promise<void> {
    await this.#parts.ground.say(key.peer, "task_cancel", { task_id: key.id, ...(reason === undefined ? {} : { reason }) });
  }

  /** Answers what the task's last event asks. Throws INVALID_ARGUMENT where it asks nothing. */
  async answer(task: TaskRecord, input: unknown): Promise<void> {
    if (task.role === "worker") throw new HikyakuError("INVALID_ARGUMENT", "The task is another peer's: only whoever gave it can answer.");
    if (task.state !== "input_required" && task.state !== "auth_required")
      throw new HikyakuError("INVALID_ARGUMENT", `The task asks nothing: it is ${task.state}.`);
    const text = jsonText(input, "The answer");
    await this.#parts.ground.say(task.peer, "task_input", { task_id: task.id, cursor: task.cursor, input: JSON.parse(text) as unknown });
  }

  /** The worker's peer refused the delegation itself, or it expired on the way. */
  async notTaken(peer: string, id: string, code: string): Promise<void> {
    if ((await this.#parts.ground.tasks.find({ role: "requester", peer, id })) === undefined) return;
    const isLate = code === "MESSAGE_EXPIRED";
    const detail = isLate ? "The task did not reach its worker in time." : "The worker's peer did not take the task.";
    await this.#end({ role: "requester", peer, id }, { state: isLate ? "failed" : "rejected", code, detail });
  }

  /** What an earlier run left: tasks that the outbox does not have yet, delegations that were refused while nobody looked, and events that may have been missed. */
  async resume(): Promise<void> {
    await this.#handAll();
    for await (const task of openTasks(this.#parts.ground.tasks, "requester")) await this.#resumeOne(task);
  }

  /** TASK-7: beyond the deadline and a while for the worker's own word. */
  async sweep(): Promise<void> {
    const { tasks, clock } = this.#parts.ground;
    for (const task of await tasks.overdue("requester", clock.now() - limits.taskDeadlineGraceMs, limits.inboxPageMax)) {
      await this.#giveUp(task, unheard);
    }
  }

  async #draftOf(
    peer: string,
    capability: string,
    input: unknown,
    { deadline, priority = "normal", idempotencyKey, budget, within }: DelegateOptions,
  ): Promise<TaskDraft> {
    const { ground, dice } = this.#parts;
    const now = ground.clock.now();
    const above = within === undefined ? undefined : await ground.tasks.find(within);
    const until = Math.min(deadline?.getTime() ?? now + limits.taskLifeMsDefault, above?.deadline ?? Number.POSITIVE_INFINITY);
    if (!(until > now)) throw new HikyakuError("INVALID_ARGUMENT", "The deadline has passed already.");
    const depth = above === undefined ? 0 : above.chain.depth + 1;
    if (depth > limits.taskDepthMax)
      throw new HikyakuError("QUOTA_EXCEEDED", `This task stands ${limits.taskDepthMax} delegations deep: its work may not be handed on.`);
    return {
      role: "requester",
      peer,
      id: newMessageId(now, dice()),
      capability,
      input: jsonText(input, "The input"),
      priority,
      createdAt: now,
      deadline: Math.min(until, now + limits.taskLifeMsMax),
      chain: { depth, budget: Math.min(budget ?? budgetUnlessTold(above), limits.taskBudgetMax) },
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
  }

  async #again(draft: TaskDraft, first: TaskRecord): Promise<TaskKey> {
    const input = await this.#parts.ground.tasks.input(first);
    if (input === draft.input) return first;
    throw new HikyakuError("INVALID_ARGUMENT", `Task ${first.id} has this idempotency key and another input.`);
  }

  /** The message has the task's id, so that what became of it is known by that; nobody has to wait for the mark that the outbox has it. */
  async #hand({ role, peer, id, capability, input, priority, deadline, idempotencyKey, chain }: TaskDraft): Promise<void> {
    const { ground } = this.#parts;
    const body = {
      task_id: id,
      capability,
      input: JSON.parse(input) as unknown,
      priority,
      deadline,
      chain,
      ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    };
    this.#handing.add(id);
    await ground.durably(() => ground.say(peer, "task_delegate", body, { id, lifeMs: Math.max(0, deadline - ground.clock.now()) }));
    ground.background(ground.durably(() => ground.tasks.said({ role, peer, id }, 1)).finally(() => this.#handing.delete(id)));
  }

  async #handAll(): Promise<void> {
    for await (const task of unsaidTasks(this.#parts.ground.tasks))
      if (task.role === "requester" && !this.#handing.has(task.id)) await this.#handAgain(task);
  }

  /** Where a crash fell between the outbox and its mark here, the outbox has it already. */
  async #handAgain(task: TaskRecord): Promise<void> {
    const { tasks, durably } = this.#parts.ground;
    if ((await this.#parts.fateOf(task.id)) !== undefined) return await durably(() => tasks.said(task, 1));
    const input = await tasks.input(task);
    if (input !== undefined) await this.#hand({ ...task, input });
  }

  async #resumeOne(task: TaskRecord): Promise<void> {
    const fate = await this.#parts.fateOf(task.id);
    if (fate?.stage === "refused" || fate?.stage === "expired") await this.notTaken(task.peer, task.id, fate.reason ?? "REJECTED");
    else if (fate?.stage !== "queued" && task.touchedAt < this.#parts.ground.clock.now() - limits.taskQuietMs)
      await this.#ask(task, task.cursor);
  }

  async #ask(key: TaskKey, cursor: number): Promise<void> {
    const { ground } = this.#parts;
    const text = textOfKey(key);
    const now = ground.clock.elapsed();
    if (now - (this.#askedAt.get(text) ?? Number.NEGATIVE_INFINITY) < limits.taskQueryIntervalMs) return;
    this.#askedAt.set(text, now);
    await ground.say(key.peer, "task_query", { task_id: key.id, cursor });
  }

  /** What has failed here for a reason that the worker may not know of: it is told to end it. */
  async #giveUp(key: TaskKey, news: News): Promise<void> {
    if (await this.#end(key, news)) await this.cancel(key, news.detail);
  }

  /** Whether it had not ended before. */
  async #end(key: TaskKey, news: News): Promise<boolean> {
    const { ground } = this.#parts;
    const now = ground.clock.now();
    const appended = await ground.durably(() => ground.tasks.append(key, { ...news, at: now }, now));
    if (appended.kind !== "appended") return false;
    this.#askedAt.delete(textOfKey(key));
    ground.count(`task.${news.state}`);
    ground.changed(key);
    return true;
  }
}

function newsOf({ output, artifact, ...said }: Omit<TaskUpdateBody, "task_id" | "cursor">): TaskNews {
  const { state, at, progress, detail, code } = said;
  return {
    state,
    at,
    ...(progress === undefined ? {} : { progress }),
    ...(detail === undefined ? {} : { detail }),
    ...(code === undefined ? {} : { code }),
    ...(output === undefined ? {} : { output: JSON.stringify(output) }),
    ...(artifact === undefined ? {} : { artifact: { name: artifact.name, content: JSON.stringify(artifact.content) } }),
  };
}
