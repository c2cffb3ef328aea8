/**
 * Tells requesters what happens to their tasks (spec TASK-6): every event goes into the outbox in its order, and again where a crash left open whether it did; the requester
 * knows by the cursor what it has had.
 */
import { HikyakuError, limits, type TaskUpdateBody } from "@hikyaku/protocol";
import type { TaskEvent, TaskKey } from "../ports/task-store.ts";
import { readEvent } from "./task-content.ts";
import { unsaidTasks } from "./task-walk.ts";
import { textOfKey, type WorkGround } from "./work-ground.ts";

/** Events that are read at once; each may be as large as a message. */
const pageSize = 16;

/** A task of which something is to be told: what is above this cursor, and in any case what the outbox has not had. */
interface Due {
  readonly key: TaskKey;
  readonly after: number;
}

/** Of one requester. */
interface Line {
  readonly telling: Set<string>;
  readonly due: Map<string, Due>;
}

export class Announcer {
  readonly #ground: WorkGround;
  readonly #lines = new Map<string, Line>();

  constructor(ground: WorkGround) {
    this.#ground = ground;
  }

  /** TASK-9: a requester that takes no news any more, so that they pile up here, gets no further work done. */
  hasRoomFor(peer: string): boolean {
    const line = this.#lines.get(peer);
    return line === undefined || line.telling.size + line.due.size < limits.untoldTasksPerPeerMax;
  }

  /** Something of this task has not been told yet. */
  stir(key: TaskKey): void {
    this.#put({ key, after: Number.POSITIVE_INFINITY });
  }

  /** The requester has not had what follows this cursor. Asked for again before its turn comes, it is told once. */
  async repeat(key: TaskKey, after: number): Promise<void> {
    const task = await this.#ground.tasks.find(key);
    if (task === undefined || task.cursor <= after) return;
    if (this.hasRoomFor(key.peer)) this.#put({ key, after });
    else this.#ground.count("task.repeatDropped");
  }

  /** What an earlier run did not get as far as telling. */
  async resume(): Promise<void> {
    for await (const task of unsaidTasks(this.#ground.tasks)) if (task.role === "worker") this.stir(task);
  }

  #put({ key, after }: Due): void {
    const line = this.#lines.get(key.peer) ?? { telling: new Set(), due: new Map() };
    this.#lines.set(key.peer, line);
    const text = textOfKey(key);
    line.due.set(text, { key, after: Math.min(after, line.due.get(text)?.after ?? after) });
    this.#begin(key.peer, line);
  }

  /** Only so many at once: where the outbox is full, the events of each wait in memory. */
  #begin(peer: string, line: Line): void {
    for (const [text, due] of line.due) {
      if (line.telling.size >= limits.tasksToldAtOnceMax || this.#ground.closing.aborted) return;
      if (line.telling.has(text)) continue;
      line.due.delete(text);
      line.telling.add(text);
      const told = this.#tell(due).finally(() => {
        line.telling.delete(text);
        this.#begin(peer, line);
        if (line.telling.size + line.due.size === 0) this.#lines.delete(peer);
      });
      this.#ground.background(told);
    }
  }

  async #tell({ key, after }: Due): Promise<void> {
    const { tasks, durably } = this.#ground;
    const task = await tasks.find(key);
    if (task === undefined) return;
    let cursor = Math.min(after, task.said);
    for (;;) {
      const events = await tasks.events(key, cursor, pageSize);
      const newest = events.at(-1)?.cursor;
      if (newest === undefined) return;
      await Promise.all(events.map((event) => this.#say(key, event)));
      cursor = newest;
      await durably(() => tasks.said(key, newest));
    }
  }

  #say(key: TaskKey, event: TaskEvent): Promise<unknown> {
    return this.#ground.durably(() => this.#ground.say(key.peer, "task_update", updateOf(key.id, event)));
  }
}

/** The event as it travels. Throws where the store holds no JSON, which only its own mistake could bring about. */
function updateOf(taskId: string, event: TaskEvent): TaskUpdateBody {
  try {
    return { task_id: taskId, ...readEvent(event) };
  } catch (error) {
    throw new HikyakuError("STORAGE_FAILED", "An event of a task is no JSON.", { cause: error });
  }
}
