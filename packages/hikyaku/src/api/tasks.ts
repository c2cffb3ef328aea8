/** Tasks of both sides: given away, looked at, followed, canceled, answered. What they hold is content from other peers, and each says of whom. */
import { budgetUnlessTold, type Peer, type Task, type TaskProgress, type TaskRecord } from "@hikyaku/peer";
import { HikyakuError, limits, type TaskState } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Deed, Steering } from "../agents/deed.ts";
import { forAgents, judgedPeer } from "./agent-access.ts";
import { addresseeOf, type Caller, lookUpOf, peerSeen, seesOf } from "./caller.ts";
import { peerReference } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";
import { saidBytes } from "./said-bytes.ts";
import { type SeenPage, seenPage } from "./seen-page.ts";

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
  const find = async ({ params, caller }: Pick<FastifyRequest, "params" | "caller">): Promise<Task> =>
    await peer.task(readPart(params, which).id, lookUpOf(caller));
  const open = forAgents("open");
  const steered = foundOnce(find);
  /** The task for whose sake another is given away. */
  const above = foundOnce(async ({ body, caller }) => {
    const { within } = readPart(body, delegation);
    return within === undefined ? undefined : await (await peer.task(within, lookUpOf(caller))).status();
  });
  const steering = (means: Steering["means"], said: (body: unknown) => unknown) =>
    forAgents(async (request): Promise<Steering> => {
      const task = await steered(request);
      const { id, peer: did, role, capability } = await task.status();
      const bytes = saidBytes(said(request.body));
      // What is said may be approved: nothing is to be approved of a peer that is forgotten.
      const to = bytes > 0 ? addresseeOf(peer, request.caller, did) : { did, name: originsOf(peer)(did).name };
      return { kind: "steer", means, to, bytes, task: id, role, capability };
    });

  app.post(
    "/tasks",
    forAgents(async (request) => delegationOf(peer, request.caller, readPart(request.body, delegation), await above(request))),
    async (request) => {
      const asked = readPart(request.body, delegation);
      const task = await delegate(peer, { ...asked, to: judgedPeer(request, asked.to) }, await above(request));
      return shown(await task.status(), originsOf(peer));
    },
  );

  app.get("/tasks", open, async ({ query, caller }) => {
    const { entries, ...onwards } = await seenTasks(peer, caller, readPart(query, listing));
    const originOf = originsOf(peer);
    return { tasks: entries.map((task) => shown(task, originOf)), ...onwards };
  });

  app.get("/tasks/:id", open, async (request) => {
    const task = await find(request);
    return { ...shown(await task.status(), originsOf(peer)), input: await task.input() };
  });

  app.get("/tasks/:id/events", open, async (request, reply) => {
    const { after, waitMs } = readPart(request.query, following);
    return await eventsOf(await find(request), { after, waitMs, gone: goneSignal(reply) });
  });

  app.post(
    "/tasks/:id/cancel",
    steering("cancel", (body) => readPart(body, cancellation).reason || undefined),
    async (request) => {
      const task = await steered(request);
      await task.cancel(readPart(request.body, cancellation).reason);
      return shown(await task.status(), originsOf(peer));
    },
  );

  app.post(
    "/tasks/:id/answer",
    steering("answer", (body) => readPart(body, answering).input),
    async (request) => {
      const task = await steered(request);
      await task.answer(readPart(request.body, answering).input);
      return {};
    },
  );
}

/** What the gate judges is what the route acts upon: the words of a request may mean another task by then. */
function foundOnce<Found>(find: (request: FastifyRequest) => Promise<Found>): (request: FastifyRequest) => Promise<Found> {
  const found = new WeakMap<FastifyRequest, Promise<Found>>();
  return (request) => {
    const known = found.get(request) ?? find(request);
    found.set(request, known);
    return known;
  };
}

type Delegation = z.infer<typeof delegation>;

/** What an agent's delegation is worth: itself, and all that may be handed on for its sake. */
function delegationOf(peer: Peer, caller: Caller, { to, capability, input, budget }: Delegation, above: TaskRecord | undefined): Deed {
  // The store would keep half a letter as another one, and so take two names for the same.
  if (!capability.isWellFormed()) throw new HikyakuError("INVALID_ARGUMENT", "capability wants whole letters.");
  const cost = 1 + (budget ?? budgetUnlessTold(above));
  return { kind: "delegate", to: addresseeOf(peer, caller, to), capability, bytes: saidBytes(input), cost };
}

async function delegate(peer: Peer, { to, capability, input, ...said }: Delegation, above: TaskRecord | undefined): Promise<Task> {
  const { deadline, timeoutMs, within: _reference, ...options } = said;
  const until = timeoutMs === undefined ? deadline : Date.now() + timeoutMs;
  return await peer.delegate(to, capability, input, {
    ...options,
    ...(until === undefined ? {} : { deadline: new Date(until) }),
    ...(above === undefined ? {} : { within: above }),
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

async function seenTasks(
  peer: Peer,
  caller: Caller,
  { peer: other, open, before, ...rest }: z.infer<typeof listing>,
): Promise<SeenPage<TaskRecord>> {
  const query = {
    ...rest,
    ...(other === undefined ? {} : { peer: peerSeen(peer, caller, other).did }),
    ...(open === undefined ? {} : { isOpen: open }),
  };
  const read = (beyond: number | undefined, most: number): Promise<readonly TaskRecord[]> =>
    peer.tasks({ ...query, limit: most, ...(beyond === undefined ? {} : { before: beyond }) });
  return await seenPage(read, { beyond: before, limit: rest.limit, sees: ({ peer: did }) => seesOf(caller)(did) });
}

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
