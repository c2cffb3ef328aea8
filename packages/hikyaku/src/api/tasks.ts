/** Tasks of both sides: given away, looked at, followed, canceled, answered. What they hold is content from other peers, and each says of whom. */
import type { Peer, Task, TaskProgress, TaskQuery, TaskRecord } from "@hikyaku/peer";
import { limits, type TaskState } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { peerReference } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";

const word = z.string().min(1).max(limits.nameLengthMax);
const reference = z.string().min(1).max(limits.idLengthMax);
const moment = z.int().min(0);

// What was parsed from JSON is JSON already; the peer judges its size and depth.
const delegation = z
  .strictObject({
    to: peerReference,
    capability: word,
    input: z.unknown().default(null),
    /** Milliseconds since 1970. */
    deadline: moment.exactOptional(),
    /** From now. */
    timeoutMs: z.int().min(1).max(limits.taskLifeMsMax).exactOptional(),
    priority: z.enum(["high", "normal", "low"]).exactOptional(),
    idempotencyKey: word.exactOptional(),
    budget: z.int().min(0).max(limits.taskBudgetMax).exactOptional(),
    /** The task for whose sake this one is. */
    within: reference.exactOptional(),
  })
  .refine((body) => body.deadline === undefined || body.timeoutMs === undefined, "either deadline or timeoutMs");

const listing = z.strictObject({
  role: z.enum(["requester", "worker"]).exactOptional(),
  peer: peerReference.exactOptional(),
  open: z.stringbool().exactOptional(),
  before: z.coerce.number().int().min(0).exactOptional(),
  limit: z.coerce.number().int().min(1).max(limits.inboxPageMax).default(100),
});

/** How long a question for events may hang before it is answered with none. */
const waitMsMax = 60_000;
const following = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(waitMsMax).default(0),
});
const which = z.object({ id: reference });
const cancellation = z.strictObject({ reason: z.string().max(limits.reasonLengthMax).exactOptional() });
const answering = z.strictObject({ input: z.unknown() });

/** Events of one answer; each may be as large as a message. */
const eventsMax = 64;

export function taskRoutes(app: FastifyInstance, peer: Peer): void {
  const find = async (params: unknown): Promise<Task> => await peer.task(readPart(params, which).id);

  app.post("/tasks", async ({ body }) => {
    const task = await delegate(peer, readPart(body, delegation));
    return shown(await task.status(), originsOf(peer));
  });

  app.get("/tasks", async ({ query }) => {
    const tasks = await peer.tasks(queryOf(peer, readPart(query, listing)));
    const originOf = originsOf(peer);
    return { tasks: tasks.map((task) => shown(task, originOf)) };
  });

  app.get("/tasks/:id", async ({ params }) => {
    const task = await find(params);
    return { ...shown(await task.status(), originsOf(peer)), input: await task.input() };
  });

  app.get("/tasks/:id/events", async ({ params, query }, reply) => {
    const { after, waitMs } = readPart(query, following);
    return await eventsOf(await find(params), { after, waitMs, gone: goneSignal(reply) });
  });

  app.post("/tasks/:id/cancel", async ({ params, body }) => {
    const task = await find(params);
    await task.cancel(readPart(body, cancellation).reason);
    return shown(await task.status(), originsOf(peer));
  });

  app.post("/tasks/:id/answer", async ({ params, body }) => {
    const task = await find(params);
    await task.answer(readPart(body, answering).input);
    return {};
  });
}

async function delegate(peer: Peer, { to, capability, input, ...said }: z.infer<typeof delegation>): Promise<Task> {
  const { deadline, timeoutMs, within, ...options } = said;
  const until = timeoutMs === undefined ? deadline : Date.now() + timeoutMs;
  return await peer.delegate(to, capability, input, {
    ...options,
    ...(until === undefined ? {} : { deadline: new Date(until) }),
    ...(within === undefined ? {} : { within: await (await peer.task(within)).status() }),
  });
}

interface Following {
  readonly after: number;
  readonly waitMs: number;
  /** Whoever asked has gone. */
  readonly gone: AbortSignal;
}

interface News {
  readonly events: readonly TaskProgress[];
  /** Of the task now, which may be ahead of these events. */
  readonly state: TaskState;
  readonly cursor: number;
}

/** The events after a cursor: at once where there are some or none will follow, else as soon as one comes or the time is over. */
async function eventsOf(task: Task, { after, waitMs, gone }: Following): Promise<News> {
  let { state, cursor } = await task.status();
  const events: TaskProgress[] = [];
  const over = AbortSignal.timeout(cursor > after ? waitMsMax : waitMs);
  try {
    for await (const event of task.events({ after, signal: AbortSignal.any([gone, over]) })) {
      events.push(event);
      if (events.length === 1) ({ state, cursor } = await task.status());
      if (event.cursor >= cursor || events.length >= eventsMax) break;
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
  return { events, state, cursor };
}

const queryOf = (peer: Peer, { peer: other, open, ...rest }: z.infer<typeof listing>): TaskQuery => ({
  ...rest,
  ...(other === undefined ? {} : { peer: peer.peer(other).did }),
  ...(open === undefined ? {} : { isOpen: open }),
});

interface Origin {
  readonly did: string;
  readonly name: string;
  readonly trust: string;
}

/** Who stands behind each did, looked up once for many. */
function originsOf(peer: Peer): (did: string) => Origin {
  const known = new Map(peer.peers().map((one) => [one.did, one]));
  return (did) => ({ did, name: known.get(did)?.name ?? did, trust: known.get(did)?.level ?? "unknown" });
}

interface Shown extends Omit<TaskRecord, "peer"> {
  readonly peer: Origin;
}

const shown = ({ peer, ...task }: TaskRecord, originOf: (did: string) => Origin): Shown => ({ ...task, peer: originOf(peer) });
