/** `hikyaku tasks`, `hikyaku task`, `hikyaku cancel` and `hikyaku answer`: work of both sides, and what a person decides about it. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import type { ControlClient } from "../control-client.ts";
import { exitOk } from "../exit-code.ts";
import { parseJson, readStandardInput } from "../given-text.ts";
import { ProgressLine } from "../progress-line.ts";
import { follow, newsOf } from "../task-follower.ts";
import { contentOf, isOver, type ShownEvent, type ShownTask, shortJson, stateOf } from "../task-view.ts";
import { shortTime } from "../terminal.ts";

export interface TasksOptions {
  /** Only what has not ended. */
  readonly open: boolean;
  /** Only what this peer gave us. */
  readonly from: string | undefined;
  /** Only what we gave this peer. */
  readonly to: string | undefined;
  readonly limit: number;
}

export async function tasks(call: Call, { open, from, to, limit }: TasksOptions): Promise<void> {
  if (from !== undefined && to !== undefined)
    throw new HikyakuError("INVALID_ARGUMENT", "A task is either from a peer or to one: leave out --from or --to.");
  const side = from === undefined ? { role: "requester", peer: to } : { role: "worker", peer: from };
  const query = new URLSearchParams({ limit: String(limit), ...(open ? { open: "true" } : {}) });
  if (side.peer !== undefined) for (const [name, value] of Object.entries(side)) query.set(name, value ?? "");
  const { tasks: listed } = await withPeer(call, (peer) =>
    peer.get<{ readonly tasks: readonly ShownTask[] }>(`/tasks?${query.toString()}`),
  );
  const none = open ? "No open tasks. Older ones: hikyaku tasks" : "No tasks.";
  await call.terminal.show(listed.length === 0 ? none : listed.map(lineOf).join("\n"), { tasks: listed });
}

const lineOf = (task: ShownTask): string =>
  visible(
    `${task.id}  ${shortTime(task.createdAt)}  ${task.role === "requester" ? "to" : "from"} ${task.peer.name}  ${task.capability}  ${stateOf(task)}`,
  );

export interface TaskOptions {
  readonly id: string;
  readonly follow: boolean;
  /** Only events after this cursor. */
  readonly after: number;
}

interface WholeTask extends ShownTask {
  readonly input: unknown;
}

/** Resolves with the exit code: that of the task where it is followed. */
export async function task(call: Call, { id, follow: isFollowing, after }: TaskOptions): Promise<number> {
  return await withPeer(call, async (peer) => {
    const found = await peer.get<WholeTask>(`/tasks/${segment(id)}`);
    if (isFollowing) {
      if (!call.terminal.isJson) headOf(found).forEach((line) => new ProgressLine().say(line));
      return await follow(call, peer, found, after);
    }
    const events = await eventsOf(peer, found, after);
    const lines = [...headOf(found), ...events.map(eventLine), ...wayOutOf(found)];
    await call.terminal.show(lines.map(visible).join("\n"), { ...found, events });
    return exitOk;
  });
}

/** All that there are now. */
async function eventsOf(peer: ControlClient, { id, cursor: last }: ShownTask, after: number): Promise<readonly ShownEvent[]> {
  const events: ShownEvent[] = [];
  let cursor = after;
  while (cursor < last) {
    const news = await newsOf(peer, id, cursor, 0);
    events.push(...news.events);
    const newest = events.at(-1)?.cursor;
    if (newest === undefined || newest === cursor) break;
    cursor = newest;
  }
  return events;
}

function headOf({ role, peer, input, ...found }: WholeTask): readonly string[] {
  const { id, capability, createdAt, deadline, priority, idempotencyKey } = found;
  const parts = [
    `${role === "requester" ? "given" : "taken"} ${shortTime(createdAt)}`,
    `until ${shortTime(deadline)}`,
    `priority ${priority}`,
    ...(idempotencyKey === undefined ? [] : [`key ${idempotencyKey}`]),
  ];
  return [
    `${id}  ${capability} ${role === "requester" ? "to" : "from"} ${peer.name} (${peer.trust}): ${stateOf(found)}`,
    `  ${parts.join("  ")}`,
    `  input  ${shortJson(input)}`,
  ];
}

const eventLine = (event: ShownEvent): string =>
  `  ${String(event.cursor).padStart(3)}  ${shortTime(event.at)}  ${[event.state, contentOf(event)].filter(Boolean).join("  ")}`;

function wayOutOf(found: ShownTask): readonly string[] {
  const { id, role, state, cursor } = found;
  if (isOver(found)) return [];
  if (role === "requester" && cursor === 0) return [`  what keeps it: hikyaku explain ${id}`];
  const isAsking = role === "requester" && (state === "input_required" || state === "auth_required");
  return [`  ${isAsking ? `hikyaku answer ${id} TEXT   or   ` : ""}hikyaku cancel ${id}`];
}

export async function cancel(call: Call, id: string, reason: string | undefined): Promise<void> {
  const told = await withPeer(call, (peer) => peer.post<ShownTask>(`/tasks/${segment(id)}/cancel`, reason === undefined ? {} : { reason }));
  const asked = `Asked ${told.peer.name} to end ${told.id}. How it ended: hikyaku task ${told.id}`;
  await call.terminal.show(visible(isOver(told) ? `${told.id}  ${told.state}` : asked), told);
}

export interface AnswerOptions {
  readonly id: string;
  /** `-` reads standard input. */
  readonly text: string | undefined;
  readonly jsonBody: string | undefined;
}

export async function answer(call: Call, { id, text, jsonBody }: AnswerOptions): Promise<void> {
  if ((text === undefined) === (jsonBody === undefined))
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      "Say what to answer, in one way: a text in quotes, - for standard input, or --body with JSON.",
    );
  const said = text === "-" ? await readStandardInput(limits.textLengthMax) : text;
  const input = jsonBody === undefined ? said : parseJson(jsonBody, "--body");
  await withPeer(call, (peer) => peer.post<object>(`/tasks/${segment(id)}/answer`, { input }));
  await call.terminal.show(`Answered. What follows: hikyaku task ${visible(id)} --follow`, { id, answered: true });
}
