/** Follows one task to its end: what happens goes to standard error as it happens, the output to standard output. */
import type { Call } from "./call.ts";
import { segment } from "./call.ts";
import type { ControlClient } from "./control-client.ts";
import { exitInterrupted, exitOk } from "./exit-code.ts";
import { ProgressLine } from "./progress-line.ts";
import { awaitStop } from "./stop.ts";
import { contentOf, failureOf, isOver, type ShownEvent, type ShownNews, type ShownTask, shortJson } from "./task-view.ts";

/** How long one question for events may hang at the peer. */
const waitMs = 20_000;

export const newsOf = (peer: ControlClient, id: string, after: number, patienceMs: number): Promise<ShownNews> =>
  peer.get<ShownNews>(`/tasks/${segment(id)}/events?after=${after}&waitMs=${patienceMs}`);

/**
 * Resolves with the exit code once the task is completed, or somebody stops following, which leaves the task as it is. Rejects with the sentence of its end where it ended
 * otherwise.
 */
export async function follow(call: Call, peer: ControlClient, task: ShownTask, after: number): Promise<number> {
  using stop = awaitStop();
  const follower = new Follower(call, task);
  const ended = follower.toEnd(peer, after);
  ended.catch(() => undefined);
  const last = await Promise.race([ended, stop.asked.then(() => undefined)]);
  if (last !== undefined) return await follower.close(peer, last);
  follower.leave();
  return exitInterrupted;
}

class Follower {
  readonly #call: Call;
  readonly #task: ShownTask;
  readonly #line: ProgressLine = new ProgressLine();

  constructor(call: Call, task: ShownTask) {
    this.#call = call;
    this.#task = task;
  }

  /** Shows what comes after a cursor, and resolves with the last event there is. */
  async toEnd(peer: ControlClient, after: number): Promise<ShownEvent> {
    let cursor = after;
    let last: ShownEvent | undefined;
    for (;;) {
      const news = await newsOf(peer, this.#task.id, cursor, waitMs);
      for (const event of news.events) await this.#show(event);
      last = news.events.at(-1) ?? last;
      cursor = last?.cursor ?? cursor;
      if (!isOver(news) || cursor < news.cursor) continue;
      // Whoever follows from the end on still wants to know how it ended.
      if (last === undefined) cursor = news.cursor - 1;
      else return last;
    }
  }

  async close(peer: ControlClient, last: ShownEvent): Promise<number> {
    if (last.state !== "completed") throw failureOf(this.#task, last);
    const { createdAt, touchedAt } = await peer.get<ShownTask>(`/tasks/${segment(this.#task.id)}`);
    if (this.#call.terminal.isJson) return exitOk;
    this.#line.say(`completed ${((touchedAt - createdAt) / 1000).toFixed(1)} s`);
    await this.#call.terminal.result(last.output);
    return exitOk;
  }

  leave(): void {
    const { id } = this.#task;
    this.#line.say(`The task goes on. Follow it: hikyaku task ${id} --follow   End it: hikyaku cancel ${id}`);
  }

  async #show(event: ShownEvent): Promise<void> {
    if (this.#call.terminal.isJson) return await this.#call.terminal.show("", event);
    const { state, progress, detail, output, artifact } = event;
    if (isOver(event)) return;
    if (state === "input_required" || state === "auth_required") return this.#ask(event);
    if (progress !== undefined) return this.#line.progress(progress, detail);
    if (artifact !== undefined) return this.#line.say(`  artifact ${artifact.name}  ${shortJson(artifact.content)}`);
    if (output !== undefined) return this.#line.say(`  part  ${shortJson(output)}`);
    this.#line.say([state, contentOf(event)].filter(Boolean).join("  "));
  }

  #ask({ state, detail }: ShownEvent): void {
    this.#line.say(`${state}${detail === undefined ? "" : `: ${detail}`}`);
    if (this.#task.role === "requester") this.#line.say(`  Answer it in another terminal: hikyaku answer ${this.#task.id} TEXT`);
  }
}
