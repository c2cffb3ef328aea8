/**
 * Tells requesters what happens to their tasks (spec TASK-6): every event goes into the outbox in its order, and again where a crash left open whether it did; the requester
 * knows by the cursor what it has had.
 */
import { HikyakuError, limits, type TaskUpdateBody } from "@hikyaku/protocol";
import type { TaskEvent, TaskKey } from "../ports/task-store.ts";
import { readEvent } from "./task-content.ts";
import { textOfKey, type WorkGround } from "./work-ground.ts";

const pageSize = 64;

export class Announcer {
  readonly #ground: WorkGround;
  /** Tasks that are being told of, and whether more has come meanwhile. */
  readonly #telling = new Map<string, { hasMore: boolean }>();

  constructor(ground: WorkGround) {
    this.#ground = ground;
  }

  /** Something of this task has not been told yet. */
  stir(key: TaskKey): void {
    const text = textOfKey(key);
    const telling = this.#telling.get(text);
    if (telling !== undefined) {
      telling.hasMore = true;
      return;
    }
    this.#telling.set(text, { hasMore: false });
    this.#ground.background(this.#tell(key, text));
  }

  /** The requester has not had what follows this cursor. */
  async repeat(key: TaskKey, after: number): Promise<void> {
    const task = await this.#ground.tasks.find(key);
    if (task === undefined || task.cursor <= after) return;
    await this.#sayAll(key, after, Math.min(task.said, task.cursor));
    this.stir(key);
  }

  /** What an earlier run did not get as far as telling. */
  async resume(): Promise<void> {
    let after = 0;
    for (;;) {
      const page = await this.#ground.tasks.unsaid(after, limits.inboxPageMax);
      for (const task of page) if (task.role === "worker") this.stir(task);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.position;
    }
  }

  async #tell(key: TaskKey, text: string): Promise<void> {
    const telling = this.#telling.get(text);
    if (telling === undefined) return;
    try {
      do {
        telling.hasMore = false;
        const task = await this.#ground.tasks.find(key);
        if (task !== undefined) await this.#sayAll(key, task.said, Number.POSITIVE_INFINITY);
      } while (telling.hasMore && !this.#ground.closing.aborted);
    } finally {
      this.#telling.delete(text);
    }
  }

  /** Events above `after` and up to `last`. */
  async #sayAll(key: TaskKey, after: number, last: number): Promise<void> {
    const { tasks, durably } = this.#ground;
    let cursor = after;
    while (cursor < last) {
      const events = (await tasks.events(key, cursor, pageSize)).filter((event) => event.cursor <= last);
      await Promise.all(events.map((event) => this.#say(key, event)));
      const newest = events.at(-1)?.cursor;
      if (newest === undefined) return;
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
