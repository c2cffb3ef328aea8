/**
 * Work that others gave us (spec TASK-1 to TASK-9): durable before it counts as accepted, run in its turn, at most so much of it at once, and never without an end. What
 * a handler has begun is durable before it begins, so that after a crash nobody runs it again unasked.
 */
import {
  HikyakuError,
  isFinalState,
  limits,
  type TaskCancelBody,
  type TaskDelegateBody,
  type TaskInputBody,
  type TaskQueryBody,
} from "@hikyaku/protocol";
import type { Timer } from "../ports/clock.ts";
import type { TaskAppending, TaskDraft, TaskKey, TaskNews, TaskRecord } from "../ports/task-store.ts";
import type { Announcer } from "./announcer.ts";
import type { CapabilityTable, LiveCapability, Load } from "./capability-table.ts";
import { Run, type RunParts } from "./run.ts";
import { judge, type Schema } from "./schema.ts";
import { TaskQueue } from "./task-queue.ts";
import { openTasks } from "./task-walk.ts";
import { textOfKey, type WorkGround } from "./work-ground.ts";

export interface AssignmentsParts {
  readonly ground: WorkGround;
  readonly capabilities: CapabilityTable;
  readonly announcer: Announcer;
  /** What a peer is called here. */
  readonly nameOf: (did: string) => string;
  /** Whether this peer may still ask for work. */
  readonly mayAsk: (did: string) => boolean;
  readonly handOn: RunParts["handOn"];
}

/** What is under way of one capability. */
interface Desk {
  readonly queue: TaskQueue;
  readonly running: Map<string, Run>;
  /** How many are being begun or have ended and not been let go of. */
  busy: number;
}

type News = Omit<TaskNews, "at">;

const notAllowed: News = { state: "rejected", code: "UNAUTHORIZED", detail: "There is no such capability for this peer any more." };
const overdue: News = { state: "failed", code: "DEADLINE_EXCEEDED", detail: "The deadline passed before the task was done." };

export class Assignments {
  readonly #parts: AssignmentsParts;
  readonly #desks = new Map<string, Desk>();
  /** Tasks that have not ended, by requester. */
  readonly #open = new Map<string, number>();
  #size = 0;

  constructor(parts: AssignmentsParts) {
    this.#parts = parts;
  }

  /** Tasks that have not ended. */
  get size(): number {
    return this.#size;
  }

  /** TASK-9. */
  hasRoomFor(peer: string): boolean {
    if (!this.#parts.announcer.hasRoomFor(peer)) return false;
    return this.#size < limits.openTasksMax && (this.#open.get(peer) ?? 0) < limits.openTasksPerPeerMax;
  }

  loadOf(capability: string): Load {
    const desk = this.#desks.get(capability);
    return { running: desk?.busy ?? 0, waiting: desk?.queue.size ?? 0 };
  }

  /** TASK-1: kept with its first event, and waiting for its turn, before its message counts as handled. A repetition changes nothing and is told again what it has missed. */
  async receive(peer: string, body: TaskDelegateBody): Promise<void> {
    const draft = this.#draftOf(peer, body);
    const first = await this.#judge(draft, body);
    const added = await this.#add(draft, first);
    if (added.kind === "known") return await this.#parts.announcer.repeat(draft, 0);
    if (added.kind === "taken") return await this.#refuseSecond(draft, added.task);
    if (added.kind !== "added") throw new HikyakuError("QUOTA_EXCEEDED", "Too many tasks are open.");
    this.#parts.ground.count(`task.${first.state}`);
    this.#parts.ground.changed(draft);
    this.#parts.announcer.stir(draft);
    if (first.state !== "submitted") return;
    this.#tally(peer, 1);
    this.#wait(draft);
  }

  /** TASK-5: the requester wants it no more. What has ended stays as it ended; what has not come yet is canceled before it comes. */
  async cancel(peer: string, { task_id: id, reason }: TaskCancelBody): Promise<void> {
    const { ground } = this.#parts;
    const key: TaskKey = { role: "worker", peer, id };
    const news: News = { state: "canceled", ...(reason === undefined ? {} : { detail: reason }) };
    const appended = await this.#append(key, news);
    if (appended.kind !== "absent") return this.#stop(key, new HikyakuError("CANCELED", "The task was canceled."));
    // Whoever may not give a task now need not take one back, and could name new ones without end.
    if (!this.hasRoomFor(peer)) return ground.count("task.cancelDropped");
    const { clock } = ground;
    const draft = { capability: "?", input: "null", priority: "normal", createdAt: clock.now(), deadline: clock.now() } as const;
    await this.#add({ ...key, ...draft, chain: { depth: 0, budget: 0 } }, news);
    this.#parts.announcer.stir(key);
  }

  /** TASK-6: tells again what the requester has not had. */
  async query(peer: string, { task_id: id, cursor = 0 }: TaskQueryBody): Promise<void> {
    await this.#parts.announcer.repeat({ role: "worker", peer, id }, cursor);
  }

  answer(peer: string, { task_id: id, cursor, input }: TaskInputBody): void {
    const key: TaskKey = { role: "worker", peer, id };
    const isTaken = this.#runOf(key)?.answer(cursor, input) ?? false;
    if (!isTaken) this.#parts.ground.count("task.lateInput");
  }

  /** A program offers this capability now: what waits for it may begin. */
  begin(capability: string): void {
    this.#fill(capability);
  }

  /** What an earlier run left: what waited waits again; what it had begun runs again if that does no harm, and has failed if it would (spec TASK-8). */
  async resume(): Promise<void> {
    for await (const task of openTasks(this.#parts.ground.tasks, "worker")) await this.#resumeOne(task);
  }

  /** TASK-7: a task whose time is over has failed, whatever its handler does. */
  async sweep(): Promise<void> {
    const { tasks, clock } = this.#parts.ground;
    for (const task of await tasks.overdue("worker", clock.now(), limits.inboxPageMax)) await this.#expire(task);
  }

  async #expire(key: TaskKey): Promise<void> {
    await this.#append(key, overdue);
    this.#stop(key, new HikyakuError("TIMED_OUT", "The task's deadline passed."));
  }

  #draftOf(
    peer: string,
    { task_id: id, capability, input, priority = "normal", deadline, idempotency_key, chain }: TaskDelegateBody,
  ): TaskDraft {
    const now = this.#parts.ground.clock.now();
    return {
      role: "worker",
      peer,
      id,
      capability,
      input: JSON.stringify(input),
      priority,
      createdAt: now,
      deadline: Math.min(deadline ?? now + limits.taskLifeMsDefault, now + limits.taskLifeMsMax),
      chain: chain ?? { depth: 0, budget: 0 },
      ...(idempotency_key === undefined ? {} : { idempotencyKey: idempotency_key }),
    };
  }

  /** Its first event: whether we take it on. Who may ask for what was judged when the message came (spec CAP-2). */
  async #judge({ capability, peer, deadline, createdAt }: TaskDraft, { input }: TaskDelegateBody): Promise<News> {
    const { capabilities } = this.#parts;
    if (!capabilities.isOffered(capability, peer)) return notAllowed;
    if (deadline <= createdAt)
      return { state: "failed", code: "DEADLINE_EXCEEDED", detail: "The deadline passed before the task arrived." };
    const problem = await this.#problemOf(input, capabilities.live(capability)?.input);
    if (problem === undefined) return { state: "submitted" };
    return { state: "rejected", code: "INVALID_INPUT", detail: `The input: ${problem}`.slice(0, limits.taskDetailLengthMax) };
  }

  /** TASK-3: undefined as well where its schema has too much to do just now. It judges the input when the turn of its task comes, and meanwhile holds up nobody's messages. */
  async #problemOf(input: unknown, schema: Schema | undefined): Promise<string | undefined> {
    const { clock, closing } = this.#parts.ground;
    const over = new AbortController();
    const timer = clock.after(limits.inputJudgingMsMax, () => over.abort());
    try {
      const judged = await judge(schema, input, AbortSignal.any([over.signal, closing]));
      return "problem" in judged ? judged.problem : undefined;
    } catch (error) {
      if (closing.aborted) throw error;
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** TASK-3: a second task under one idempotency key is none, and says of which task it would be the second. */
  async #refuseSecond(second: TaskDraft, first: TaskRecord): Promise<void> {
    const { role, peer, id, capability, input, priority, createdAt, deadline, chain } = second;
    const draft = { role, peer, id, capability, input, priority, createdAt, deadline, chain };
    const detail = `The idempotency key belongs to task ${first.id}, which is ${first.state}.`;
    await this.#add(draft, { state: "rejected", code: "IDEMPOTENCY_CONFLICT", detail });
    this.#parts.announcer.stir(draft);
  }

  #add(draft: TaskDraft, news: News): ReturnType<WorkGround["tasks"]["add"]> {
    const { tasks, clock, durably } = this.#parts.ground;
    return durably(() => tasks.add(draft, { first: { ...news, at: clock.now() } }));
  }

  async #append(key: TaskKey, news: News): Promise<TaskAppending> {
    const { tasks, clock, durably, changed, count } = this.#parts.ground;
    const now = clock.now();
    const appended = await durably(() => tasks.append(key, { ...news, at: now }, now));
    if (appended.kind !== "appended") return appended;
    if (isFinalState(news.state)) {
      this.#tally(key.peer, -1);
      count(`task.${news.state}`);
    }
    changed(key);
    this.#parts.announcer.stir(key);
    return appended;
  }

  async #resumeOne(task: TaskRecord): Promise<void> {
    this.#tally(task.peer, 1);
    if (task.state === "submitted" || this.#parts.capabilities.offer(task.capability)?.isIdempotent === true) return this.#wait(task);
    this.#parts.ground.count("task.interrupted");
    await this.#append(task, { state: "failed", code: "INTERRUPTED", detail: "The worker ended in the middle of the task." });
  }

  #tally(peer: string, change: 1 | -1): void {
    this.#size += change;
    const open = (this.#open.get(peer) ?? 0) + change;
    if (open > 0) this.#open.set(peer, open);
    else this.#open.delete(peer);
  }

  #wait(task: Pick<TaskRecord, "role" | "peer" | "id" | "capability" | "priority">): void {
    this.#deskOf(task.capability).queue.add(task, task.priority);
    this.#fill(task.capability);
  }

  #deskOf(capability: string): Desk {
    const desk = this.#desks.get(capability) ?? { queue: new TaskQueue(), running: new Map(), busy: 0 };
    this.#desks.set(capability, desk);
    return desk;
  }

  /** Begins what may run beside what runs. */
  #fill(capability: string): void {
    const { ground, capabilities } = this.#parts;
    const desk = this.#desks.get(capability);
    const live = capabilities.live(capability);
    if (desk === undefined || live === undefined) return;
    while (desk.busy < live.offer.concurrency && !ground.closing.aborted) {
      const key = desk.queue.next();
      if (key === undefined) return;
      desk.busy += 1;
      ground.background(
        this.#run(live, desk, key).finally(() => {
          desk.busy -= 1;
          this.#fill(capability);
        }),
      );
    }
  }

  /** By the handler that was there when its turn came: gone a moment later, it is still the one to say so. */
  async #run(live: LiveCapability, desk: Desk, key: TaskKey): Promise<void> {
    const { ground, capabilities, nameOf, mayAsk, handOn } = this.#parts;
    // Rights may have been taken back while it waited.
    if (!mayAsk(key.peer) || !capabilities.isOffered(live.offer.name, key.peer)) return void (await this.#append(key, notAllowed));
    const appended = await this.#append(key, { state: "working" });
    const task = await ground.tasks.find(key);
    if (appended.kind !== "appended" || task === undefined) return;
    const run = new Run(task, { ground, nameOf, handOn, append: (of, news) => this.#append(of, news) });
    desk.running.set(textOfKey(key), run);
    const timer = ground.clock.after(task.deadline - ground.clock.now(), () => ground.background(this.#expire(key)));
    try {
      await this.#orAbandoned(run, run.go(live));
    } finally {
      timer.cancel();
      desk.running.delete(textOfKey(key));
    }
  }

  /** A handler that goes on long after its task has ended does not keep others from theirs. */
  async #orAbandoned(run: Run, going: Promise<void>): Promise<void> {
    const { ground } = this.#parts;
    const abandoned = Promise.withResolvers<void>();
    let timer: Timer | undefined;
    const wait = (): void => {
      timer = ground.clock.after(limits.taskAbandonedMs, () => {
        ground.count("task.abandoned");
        abandoned.resolve();
      });
    };
    run.ended.addEventListener("abort", wait, { once: true });
    await Promise.race([going, abandoned.promise]).finally(() => timer?.cancel());
  }

  #runOf(key: TaskKey): Run | undefined {
    for (const { running } of this.#desks.values()) {
      const run = running.get(textOfKey(key));
      if (run !== undefined) return run;
    }
    return undefined;
  }

  #stop(key: TaskKey, reason: HikyakuError): void {
    for (const desk of this.#desks.values()) if (desk.queue.remove(key)) return;
    this.#runOf(key)?.stop(reason);
  }
}
