/** A task as an agent sees it, and what happens to it while it waits. */
import { isFinalState } from "@hikyaku/protocol";
import { readable } from "../text/visible.ts";
import { eventsMax } from "./bounds.ts";
import { type Control, queryOf, segment } from "./control.ts";
import { quote, type Speaker } from "./quoted.ts";
import type { ToolCall } from "./tool.ts";
import { dateOf, type EventAnswer, type NewsAnswer, type TaskAnswer } from "./views.ts";

/** How the task stands, without anything that its other side wrote. */
export const briefly = ({ id, role, peer, capability, state, cursor, createdAt, deadline, progress }: TaskAnswer): object => ({
  task: id,
  role,
  peer: peer.name,
  capability: readable(capability),
  // Before its first event nobody has taken it.
  state: cursor === 0 ? "queued" : state,
  ...(progress === undefined || isFinalState(state) ? {} : { progress }),
  created: dateOf(createdAt),
  deadline: dateOf(deadline),
});

export interface Watching {
  readonly after: number;
  readonly seconds: number;
  /** Of each content, in characters. */
  readonly length: number;
}

/** The task with its events after a cursor: waits for its end, for a question, or until the time is over. Progress is told as it comes. */
export async function followed(task: TaskAnswer, { after, seconds, length }: Watching, call: ToolCall): Promise<object> {
  const until = performance.now() + seconds * 1000;
  const speaker = task.role === "requester" ? task.peer : await ownSpeaker(call);
  const events: EventAnswer[] = [];
  let cursor = after;
  let news = await newsOf(call, task.id, cursor, 0);
  for (;;) {
    for (const event of news.events) {
      events.push(event);
      cursor = event.cursor;
      await tellProgress(call, speaker, event);
    }
    const waitMs = until - performance.now();
    // A question that was there before is known to whoever goes on from its cursor.
    const isAsked = events.length > 0 && isAsking(news);
    if (events.length >= eventsMax || (cursor >= news.cursor && (isFinalState(news.state) || isAsked || waitMs <= 0))) break;
    news = await newsOf(call, task.id, cursor, Math.max(0, waitMs));
  }
  return {
    ...briefly({ ...task, ...progressSince(task, events), state: news.state, cursor: news.cursor }),
    events: events.map((event) => shown(event, eventSpeaker(task, speaker, event), length)),
    cursor,
    more: cursor < news.cursor,
  };
}

/** What came after the first look is newer than that; a page of earlier events is not. */
function progressSince({ cursor }: TaskAnswer, events: readonly EventAnswer[]): Pick<TaskAnswer, "progress"> {
  const newer = events.findLast((event) => event.cursor > cursor && event.progress !== undefined);
  return newer?.progress === undefined ? {} : { progress: newer.progress };
}

const isAsking = ({ state }: NewsAnswer): boolean => state === "input_required" || state === "auth_required";

const newsOf = (
  { control, signal }: Pick<ToolCall, "control" | "signal">,
  id: string,
  after: number,
  waitMs: number,
): Promise<NewsAnswer> => control.get<NewsAnswer>(`/tasks/${segment(id)}/events?${queryOf({ after, waitMs: Math.round(waitMs) })}`, signal);

async function ownSpeaker({ control, signal }: { readonly control: Control; readonly signal: AbortSignal }): Promise<Speaker> {
  const { did, name } = await control.get<{ readonly did: string; readonly name: string }>("/identity", signal);
  return { did, name, trust: "self" };
}

/** Of a task that others gave us this peer tells how it goes; but why it is canceled its requester says, and why it is rejected may be in words of its input. */
const eventSpeaker = (task: TaskAnswer, speaker: Speaker, { state }: EventAnswer): Speaker =>
  state === "canceled" || state === "rejected" ? task.peer : speaker;

/** DATA-1: a client's progress is a number and a line of text without a frame, so what the worker said of it stands in the event alone. */
async function tellProgress(call: ToolCall, { name, trust }: Speaker, { progress }: EventAnswer): Promise<void> {
  if (progress !== undefined) await call.progress(progress, `${name} (${trust})`);
}

function shown({ cursor, state, at, progress, code, detail, output, artifact }: EventAnswer, speaker: Speaker, length: number): object {
  const content = {
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(output === undefined ? {} : { output }),
    ...(artifact === undefined ? {} : { artifact }),
  };
  return {
    cursor,
    state,
    at: dateOf(at),
    ...(progress === undefined ? {} : { progress }),
    ...(Object.keys(content).length === 0 ? {} : { said: quote(speaker, "answer", content, length) }),
  };
}
