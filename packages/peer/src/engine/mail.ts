/** Application messages that arrived: durable first, then handed to the agent, each step told to the sender by a receipt (spec §11). */
import {
  type ApplicationFields,
  type ApplicationType,
  type BodyByType,
  HikyakuError,
  limits,
  type MessageBody,
  type MessageType,
  withoutApplicationFields,
} from "@hikyaku/protocol";
import type { Arrival, Inbox, InboxMessage, InboxQuery, LaneKey, LanePlace, StoredMessage } from "../ports/inbox.ts";
import type { TrustLevel } from "../ports/trust-store.ts";
import type { Couriers } from "./couriers.ts";
import type { HandlerManner, Handling } from "./handling.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import type { Posting } from "./posting.ts";

/** A peer as handlers see it. */
export interface Sender {
  readonly did: string;
  readonly name: string;
  readonly trust: TrustLevel;
}

/** A message as its handler gets it: who speaks and with which right come from the session, never from the body (spec TRUST-4). */
export interface Incoming {
  readonly id: string;
  readonly from: Sender;
  readonly body: MessageBody;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
  readonly replyTo?: string;
  readonly thread?: string;
  /** Sends an answer that names this message; resolves when the sender has stored it, or it is durable here and the sender is away. */
  reply(body: MessageBody): Promise<void>;
}

export type MessageHandler = (message: Incoming) => Promise<void> | void;

/** An application body that was opened. */
export interface Letter {
  readonly type: ApplicationType;
  readonly body: ApplicationFields & BodyByType[ApplicationType];
}

/** Which letters are here now, and whether there was no room for some of the others. */
export interface Taking {
  readonly taken: readonly Letter[];
  readonly hasNoRoom: boolean;
}

type MessageKey = Pick<StoredMessage, "from" | "id">;

export interface MailParts {
  readonly ground: Ground;
  readonly inbox: Inbox;
  readonly known: KnownPeers;
  readonly handling: Handling;
  readonly couriers: () => Couriers;
  readonly posting: () => Posting;
  readonly background: (work: Promise<void>) => void;
}

export class Mail {
  readonly #parts: MailParts;
  #handler: MessageHandler | undefined;

  constructor(parts: MailParts) {
    this.#parts = parts;
  }

  /** One handler for all messages; without one they wait in the inbox. */
  handle(handler: MessageHandler, manner?: HandlerManner): void {
    if (this.#handler !== undefined) throw new HikyakuError("INVALID_ARGUMENT", "There is a handler for messages already.");
    this.#handler = handler;
    this.#parts.background(
      this.#parts.handling.handle(
        "message",
        (message) => handler(this.#incoming(message, JSON.parse(message.body) as MessageBody)),
        manner,
      ),
    );
  }

  /**
   * BOX-1: durable before anything is receipted, all in one change. What is beyond the inbox's bounds is neither stored nor receipted: the code says so to the sender,
   * who tries again. A repeated id is answered with what became of it and not handled again.
   */
  async receive(from: Sender, letters: readonly Letter[]): Promise<Taking> {
    const { inbox, ground, handling } = this.#parts;
    const now = ground.clock.now();
    const kept = letters.filter(({ body }) => this.#isInTime(from, body, now));
    const arrivals = kept.length === 0 ? [] : await inbox.append(kept.map((letter) => inboxMessage(from, letter, now)));
    const stored = new Map<string, Set<MessageType>>();
    const released = new Set<string>();
    kept.forEach(({ type, body }, index) => {
      const arrival = arrivals[index];
      if (arrival === undefined) return;
      ground.counters.add(`message.${arrival.kind}`);
      this.#receipt(from, body.id, arrival);
      const lane = body.lane ?? "";
      // Its order may be what others waited for, and whatever became of it, its floor may have ended their wait.
      if (arrival.skipped !== undefined || (arrival.kind === "stored" && arrival.releases === true)) released.add(lane);
      if (arrival.kind === "stored") stored.set(lane, (stored.get(lane) ?? new Set()).add(type));
    });
    if ([...stored.values()].some((types) => types.has("message"))) ground.changes.note("inbox", from.did);
    this.#tell(from, stored);
    for (const lane of released) handling.wake({ from: from.did, lane });
    for (const [lane, types] of stored) if (!released.has(lane)) handling.wake({ from: from.did, lane }, types);
    const taken = kept.filter((_, index) => arrivals[index]?.kind === "stored" || arrivals[index]?.kind === "duplicate");
    return { taken, hasNoRoom: arrivals.some(({ kind }) => kind === "full") };
  }

  /** For the handler that is here now, or for nobody. */
  receiveTransient(from: Sender, { type, body }: Letter): void {
    const { ground, handling } = this.#parts;
    const handler = this.#handler;
    if (handler === undefined || type !== "message") return ground.counters.add("message.transient.unheard");
    const message = { from: from.did, ...factsOf(body) };
    const { bytes, read } = compact(contentOf(body) as MessageBody);
    const hasRoom = handling.runTransient({ from: from.did, id: body.id, bytes, run: () => handler(this.#incoming(message, read())) });
    ground.counters.add(hasRoom ? "message.transient" : "message.transient.dropped");
  }

  /** What people and agents read: bodies of other types go to parts of this peer. */
  list(query: Omit<InboxQuery, "type">): Promise<readonly StoredMessage[]> {
    return this.#parts.inbox.list({ ...query, type: "message" });
  }

  /** The agent has read these, or is done with them: their senders are told. Resolves with those that are not here. */
  async mark(messages: readonly MessageKey[], stage: "delivered" | "handled"): Promise<readonly MessageKey[]> {
    const missing: MessageKey[] = [];
    for (const [did, ids] of idsBySender(messages)) {
      const risen = await this.#parts.inbox.advance(did, ids, stage);
      if (risen.length > 0) this.#tellMarked(did, risen, stage);
      const here = risen.length === ids.length ? ids : (await this.#parts.inbox.stagesOf(did, ids)).map(({ id }) => id);
      missing.push(...ids.filter((id) => !here.includes(id)).map((id) => ({ from: did, id })));
    }
    return missing;
  }

  #tellMarked(did: string, ids: readonly string[], stage: "delivered" | "handled"): void {
    this.#parts.ground.changes.note("inbox", did);
    if (this.#parts.known.get(did) === undefined) return;
    const courier = this.#parts.couriers().of(did);
    courier.note(ids, stage);
    courier.tell();
  }

  /** BOX-3: what has become of a peer's messages, as far as they are here. LANE-3: what it will not send any more is not waited for. */
  async answerQuery(did: string, { ids, lanes = [] }: BodyByType["receipt_query"]): Promise<void> {
    await Promise.all(lanes.map(({ lane, floor }) => this.#skipTo({ from: did, lane }, floor)));
    const stages = await this.#parts.inbox.stagesOf(did, ids);
    const courier = this.#parts.couriers().of(did);
    for (const { id, stage, reason } of stages) courier.note([id], stage === "started" ? "delivered" : stage, reason);
    courier.tell();
  }

  async #skipTo(lane: LaneKey, floor: number): Promise<void> {
    if ((await this.#parts.inbox.raiseFloor(lane, floor)) === 0) return;
    this.#parts.ground.counters.add("lane.skipped");
    this.#parts.handling.wake(lane);
  }

  #isInTime(from: Sender, { id, exp }: ApplicationFields, now: number): boolean {
    if (exp === undefined || exp >= now) return true;
    this.#parts.ground.counters.add("refused.MESSAGE_EXPIRED");
    this.#parts.couriers().of(from.did).note([id], "refused", "MESSAGE_EXPIRED");
    return false;
  }

  /** What a handler is there for has gone further in a moment. */
  #tell({ did }: Sender, stored: ReadonlyMap<string, ReadonlySet<MessageType>>): void {
    const { couriers, handling } = this.#parts;
    const isHandled = [...stored.values()].every((types) => [...types].every((type) => handling.has(type)));
    if (stored.size === 0 || !isHandled) couriers().of(did).tell();
  }

  #receipt({ did }: Sender, id: string, arrival: Arrival): void {
    const courier = this.#parts.couriers().of(did);
    if (arrival.kind === "stored") courier.note([id], "stored");
    else if (arrival.kind === "duplicate") courier.note([id], arrival.stage === "started" ? "delivered" : arrival.stage, arrival.reason);
    else if (arrival.kind === "outdated") courier.note([id], "refused", "SEQUENCE_ERROR");
  }

  #incoming({ id, from, sentAt, replyTo, thread }: Pick<InboxMessage, "from"> & LetterFacts, body: MessageBody): Incoming {
    const { known } = this.#parts;
    const name = known.get(from)?.name ?? from;
    return {
      id,
      from: { did: from, name, trust: known.standingOf(from).level },
      body,
      sentAt,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(thread === undefined ? {} : { thread }),
      reply: async (answer) => {
        await this.#parts.posting().post(known.resolve(from), "message", answer, { replyTo: id });
      },
    };
  }
}

function inboxMessage(from: Sender, { type, body }: Letter, now: number): InboxMessage {
  const place = placeOf(body);
  return {
    ...factsOf(body),
    from: from.did,
    type,
    body: JSON.stringify(contentOf(body)),
    exp: Math.min(body.exp ?? Number.POSITIVE_INFINITY, now + limits.messageLifeMsMax),
    receivedAt: now,
    ...(place === undefined ? {} : { place }),
  };
}

type LetterFacts = Pick<InboxMessage, "id" | "sentAt" | "replyTo" | "thread">;

const factsOf = ({ id, sent_at, reply_to, thread }: ApplicationFields): LetterFacts => ({
  id,
  sentAt: sent_at,
  ...(reply_to === undefined ? {} : { replyTo: reply_to }),
  ...(thread === undefined ? {} : { thread }),
});

/** What the sender said, without what stands beside it. Most bodies are texts, and those are told by their one field. */
const contentOf = (body: Letter["body"]): BodyByType[ApplicationType] =>
  "text" in body ? { text: body.text } : withoutApplicationFields(body);

interface Compact {
  readonly bytes: number;
  readonly read: () => MessageBody;
}

/** JSON waits as its text, as what was made of it may take many times the room. */
const compact = (content: MessageBody): Compact =>
  content.text === undefined ? compactText(JSON.stringify(content)) : { bytes: content.text.length, read: () => content };

const compactText = (text: string): Compact => ({ bytes: text.length, read: () => JSON.parse(text) as MessageBody });

const placeOf = ({ lane, order, floor }: ApplicationFields): LanePlace | undefined =>
  lane === undefined || order === undefined || floor === undefined ? undefined : { lane, order, floor };

function idsBySender(messages: readonly MessageKey[]): ReadonlyMap<string, readonly string[]> {
  const bySender = new Map<string, string[]>();
  for (const { from, id } of messages) {
    const ids = bySender.get(from) ?? [];
    ids.push(id);
    bySender.set(from, ids);
  }
  return bySender;
}
