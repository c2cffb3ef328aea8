/** A way through many tasks of the store, page by page, so that millions do not load into memory. Tasks that are added behind the last page are met as well. */
import { limits } from "@hikyaku/protocol";
import type { TaskRecord, TaskRole, TaskStore } from "../ports/task-store.ts";

/** Those that have not ended, oldest first. */
export const openTasks = (tasks: TaskStore, role: TaskRole): AsyncGenerator<TaskRecord, void> =>
  walk((after) => tasks.open(role, after, limits.inboxPageMax));

/** Those of which the outbox has not been handed everything. */
export const unsaidTasks = (tasks: TaskStore): AsyncGenerator<TaskRecord, void> =>
  walk((after) => tasks.unsaid(after, limits.inboxPageMax));

async function* walk(pageAfter: (position: number) => Promise<readonly TaskRecord[]>): AsyncGenerator<TaskRecord, void> {
  let after = 0;
  for (;;) {
    const page = await pageAfter(after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.position;
  }
}
