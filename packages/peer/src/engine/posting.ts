/** What this peer says to others, and how it learns that it was heard: messages with receipts, questions with answers (spec §11). */
import {
  type ApplicationFields,
  type ApplicationType,
  type BodyByType,
  type Bytes,
  type CapabilityStatement,
  type DialogueType,
  encodeKeptBody,
  encodeUtf8,
  factsOf,
  HikyakuError,
  limits,
  type MessageBody,
  newMessageId,
  type ReceiptStage,
} from "@hikyaku/protocol";
import { ephemeral } from "../delivery/bag.ts";
import { priorities } from "../delivery/cargo.ts";
import type { Contact } from "../links/contact.ts";
import type { Draft, Outbox } from "../ports/outbox.ts";
import type { KnownPeer } from "../ports/trust-store.ts";
import type { Couriers } from "./couriers.ts";
import type { Ground } from "./needs.ts";
import type { Receipt, Receipts } from "./receipts.ts";
import type { LiveSession } from "./session-table.ts";
import { statementKey } from "./statements.ts";
import { canceled, type Patience, untilAborted, type Waits } from "./waits.ts";

export interface PostOptions extends Patience {
  /** The stage to wait for. Unless told, `stored`, or less where the peer cannot be reached now: the message is durable here and goes on being tried. */
  readonly until?: Exclude<ReceiptStage, "refused">;
  /** The id of the message that this one answers. */
  readonly replyTo?: string;
  readonly thread?: string;
  /** How long it is worth delivering: three days unless told, at most seven. */
  readonly lifeMs?: number;
}

/** What a program sends and waits for. */
type PostedType = "message" | "wake_up";

interface PostManner {
  /** Whether to be content with less as soon as the peer cannot be reached. */
  readonly isContent: boolean;
}

interface DraftFacts {
  readonly lifeMs: number | undefined;
  readonly replyTo?: string | undefined;
  readonly thread?: string | undefined;
}

export interface PostingParts {
  readonly ground: Ground;
  readonly couriers: Couriers;
  readonly outbox: Outbox;
  readonly receipts: Receipts;
  readonly waits: Waits;
  readonly closing: AbortSignal;
}

export class Posting {
  readonly #parts: PostingParts;
  #questions = 0;
  /** The last id that was asked for, of peers that have stored more than one call asks for. */
  readonly #askedTo = new Map<string, string>();
  #dice: Bytes = new Uint8Array(0);

  constructor(parts: PostingParts) {
    this.#parts = parts;
  }

  /**
   * Keeps a message in the outbox and resolves with its receipt, or with how far it has come when patience ends. Rejects with the recipient's code where it refuses,
   * QUOTA_EXCEEDED or STORAGE_FAILED where it could not be kept; CANCELED ends the waiting only.
   */
  async post(to: KnownPeer, msgType: "message", body: MessageBody, options: PostOptions = {}): Promise<Receipt> {
    return await this.#post(this.#newId(), to, msgType, body, options, { isContent: options.until === undefined });
  }

  /** WAKE-1: calls a peer to come up. Resolves with how far that came, and that is less than `handled` where the peer cannot be reached now. */
  async wake(to: KnownPeer, body: BodyByType["wake_up"], options: Omit<PostOptions, "lifeMs"> = {}): Promise<Receipt> {
    const wish = { until: "handled", ...options, lifeMs: limits.wakeLifeMs } as const;
    return await this.#post(this.#newId(), to, "wake_up", body, wish, { isContent: options.until === undefined });
  }

  /** Keeps a message in the outbox and waits for nothing else. Rejects with MESSAGE_TOO_LARGE, QUOTA_EXCEEDED or STORAGE_FAILED. */
  async leave<Type extends ApplicationType>(
    to: string,
    type: Type,
    body: BodyByType[Type],
    { id = this.#newId(), lifeMs = limits.messageLifeMsDefault }: { readonly id?: string; readonly lifeMs?: number } = {},
  ): Promise<void> {
    await this.#keep(this.#draft(id, to, type, sendableText(body), { lifeMs }));
  }

  /** Sends a body that nobody keeps. Resolves once it is next in line: whoever sends more than the link carries is held up here. */
  async tell(to: Contact, body: MessageBody, { signal }: Pick<Patience, "signal"> = {}): Promise<void> {
    const text = sendableText(body);
    const { couriers, ground } = this.#parts;
    const courier = couriers.of(to.did);
    while (courier.bag.room.isFull()) {
      if (signal?.aborted === true) throw canceled("sending", signal);
      courier.stir();
      await untilAborted(courier.bag.room.room(), signal, "sending");
    }
    const fields: ApplicationFields = { id: this.#newId(), sent_at: ground.clock.now(), transient: true };
    courier.bag.room.put({
      msgType: "message",
      plaintext: encodeKeptBody(text, fields),
      priority: factsOf("message").priority,
    });
    courier.stir();
  }

  /** Tells how this peer is. Stale news is worth nothing, so nobody keeps it; resolves once the peer has taken it. */
  async report(to: KnownPeer, body: BodyByType["status_report"], options: PostOptions = {}): Promise<Receipt> {
    sendableText(body);
    const id = this.#newId();
    const fields: ApplicationFields = { id, sent_at: this.#parts.ground.clock.now() };
    return await this.#within(options, async (patience) => {
      const receipt = this.#parts.receipts.waitFor(to.did, id, { until: options.until ?? "handled", isContent: false, ...patience });
      const taken = await this.#sendFor(receipt, to, "status_report", { ...body, ...fields }, patience.signal);
      if (taken.stage === "queued")
        throw new HikyakuError("TIMED_OUT", `No receipt from ${to.name} within ${patience.timeoutMs / 1000} s.`);
      return taken;
    });
  }

  /** Sends a message and resolves with the message that answers it. */
  async ask(to: KnownPeer, body: MessageBody, options: PostOptions = {}): Promise<ApplicationFields & MessageBody> {
    const id = this.#newId();
    return await this.#within(options, async (patience) => {
      const reply = this.#parts.waits.open<ApplicationFields & MessageBody>(`reply ${to.did} ${id}`, `answer from ${to.name}`, patience);
      reply.catch(() => undefined);
      const receipted = this.#post(id, to, "message", body, { ...options, ...patience, until: "stored" }, { isContent: false });
      // An answer proves more than a receipt does, and may come where the receipt was lost.
      return await Promise.race([reply, receipted.then(() => reply)]);
    });
  }

  /** The milliseconds that a sealed question and its sealed answer took, session included where one had to be made. */
  async ping(to: Contact, patience: Patience = {}): Promise<number> {
    const n = this.#nextQuestion();
    const beganAt = this.#parts.ground.clock.elapsed();
    await this.#question(to, "ping", { n }, `pong ${to.did} ${n}`, patience);
    return this.#parts.ground.clock.elapsed() - beganAt;
  }

  /** Rejects with INVALID_SIGNATURE where the answer is not what the peer signed for us. */
  async queryCapabilities(to: Contact, patience: Patience = {}): Promise<CapabilityStatement> {
    const n = this.#nextQuestion();
    return await this.#question(to, "capability_query", { n }, statementKey(to.did, n), patience);
  }

  /** Says where we can be reached, in a session that we began. */
  announce({ facts }: LiveSession, addresses: readonly string[]): void {
    if (addresses.length > 0) this.#say(facts.peerId, "discovery", { addresses });
  }

  /** LIFE-5: says that the session ends. Resolves when that is on its way, or cannot be now. */
  async goodbye({ facts }: LiveSession): Promise<void> {
    this.#say(facts.peerId, "session_close", {});
    await this.#parts.couriers.of(facts.peerId).rested();
  }

  /** PAIR-5: says why the session ends. Resolves when that is on its way, which may be at the peer's next call, or when it cannot be. */
  async decline({ facts }: LiveSession): Promise<void> {
    const body = { reason: "declined" };
    await new Promise<void>((resolve) =>
      this.#say(facts.peerId, "session_close", body, { sealed: () => resolve(), failed: () => resolve() }),
    );
    await this.#parts.couriers.of(facts.peerId).rested();
  }

  /**
   * Asks what has become of messages that a peer has stored and not handled yet, and says what those need not wait for: an order that expired may have been the last
   * but one. Of very many, each call asks on where the last one stopped, so that all have their turn.
   */
  async query(did: string): Promise<void> {
    const { outbox } = this.#parts;
    const begin = this.#askedTo.get(did);
    this.#askedTo.delete(did);
    let after = begin;
    for (let page = 0; page < queriesMax; page += 1) {
      const ids = await outbox.unsettled(did, after, limits.receiptIdsMax);
      if (ids.length === 0) return page === 0 && begin !== undefined ? await this.query(did) : undefined;
      this.#say(did, "receipt_query", { ids, lanes: page === 0 ? await this.#floorsOf(did) : [] });
      after = ids.at(-1);
      if (ids.length < limits.receiptIdsMax || after === undefined) return;
    }
    if (after !== undefined) this.#askedTo.set(did, after);
  }

  async #floorsOf(did: string): Promise<readonly { readonly lane: string; readonly floor: number }[]> {
    const { outbox } = this.#parts;
    const epoch = await outbox.epochOf(did);
    const floors = priorities.map(async (priority) => ({
      lane: `${epoch}/${priority}`,
      floor: await outbox.floor({ to: did, priority }),
    }));
    return (await Promise.all(floors)).filter(({ floor }) => floor > 1);
  }

  #say<Type extends DialogueType>(did: string, msgType: Type, body: BodyByType[Type], told: Parameters<typeof ephemeral>[3] = {}): void {
    const courier = this.#parts.couriers.of(did);
    courier.bag.room.put(ephemeral<Type>(msgType, body, factsOf(msgType).priority, told));
    courier.stir();
  }

  async #post<Type extends PostedType>(
    id: string,
    to: KnownPeer,
    type: Type,
    body: BodyByType[Type],
    options: PostOptions,
    { isContent }: PostManner,
  ): Promise<Receipt> {
    const { until = "stored", replyTo, thread, lifeMs, ...patience } = options;
    const { receipts } = this.#parts;
    const draft = this.#draft(id, to.did, type, sendableText(body), { lifeMs, replyTo, thread });
    const wish = { until, isContent, exp: draft.exp, ...patience };
    const receipt = receipts.waitFor(to.did, id, wish);
    receipt.catch(() => undefined);
    try {
      if (patience.signal?.aborted !== true) await this.#keep(draft);
    } catch (error) {
      receipts.forget(id);
      throw this.#parts.closing.aborted ? new HikyakuError("CLOSED", "The peer was closed.") : error;
    }
    return await receipt;
  }

  #draft(
    id: string,
    to: string,
    type: ApplicationType,
    body: string,
    { lifeMs = limits.messageLifeMsDefault, replyTo, thread }: DraftFacts,
  ): Draft {
    const sentAt = this.#parts.ground.clock.now();
    return {
      id,
      to,
      type,
      priority: factsOf(type).priority,
      body,
      sentAt,
      exp: sentAt + Math.min(Math.max(lifeMs, 0), limits.messageLifeMsMax),
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(thread === undefined ? {} : { thread }),
    };
  }

  /** What waits for the next attempt, since the last one failed, does not keep its sender waiting as well. */
  async #keep(draft: Draft): Promise<void> {
    const { couriers, outbox, receipts } = this.#parts;
    const queued = await outbox.add(draft);
    // Only now: a courier without work may have been replaced meanwhile.
    const courier = couriers.of(draft.to);
    courier.queued(queued);
    const { trouble } = courier;
    if (trouble !== undefined) receipts.troubled(draft.to, trouble.reason, [draft.id]);
  }

  async #question<Answer, Type extends DialogueType>(
    to: Contact,
    msgType: Type,
    body: BodyByType[Type],
    key: string,
    patience: Patience,
  ): Promise<Answer> {
    return await this.#within(patience, (bounded) =>
      this.#sendFor(this.#parts.waits.open<Answer>(key, `${msgType} answer from ${to.name}`, bounded), to, msgType, body, bounded.signal),
    );
  }

  /** Sends, and resolves with what `answer` brings; a failure on the way or an error that the peer sealed for this very message rejects it first. */
  async #sendFor<Answer, Type extends DialogueType>(
    answer: Promise<Answer>,
    to: Contact,
    msgType: Type,
    body: BodyByType[Type],
    signal: AbortSignal,
  ): Promise<Answer> {
    const { waits } = this.#parts;
    const refusal = Promise.withResolvers<never>();
    refusal.promise.catch(() => undefined);
    answer.catch(() => undefined);
    this.#say(to.did, msgType, body, {
      sealed: (ref) => {
        const refused = { timeoutMs: limits.requestTimeoutMsMax, signal };
        waits.open<never>(`error ${to.did} ${ref}`, "refusal", refused).catch(refusal.reject);
      },
      failed: refusal.reject,
    });
    this.#parts.couriers.of(to.did).hurry();
    return await Promise.race([answer, refusal.promise]);
  }

  /** Runs one exchange; its waits end with it. */
  async #within<Value>(
    { timeoutMs = limits.requestTimeoutMsDefault, signal }: Patience,
    run: (patience: Required<Patience>) => Promise<Value>,
  ): Promise<Value> {
    if (signal?.aborted === true) throw canceled("answer", signal);
    const over = new AbortController();
    const stop = AbortSignal.any([over.signal, this.#parts.closing, ...(signal === undefined ? [] : [signal])]);
    try {
      return await run({ timeoutMs, signal: stop });
    } catch (error) {
      throw this.#parts.closing.aborted ? new HikyakuError("CLOSED", "The peer was closed.") : error;
    } finally {
      over.abort();
    }
  }

  #newId(): string {
    return newMessageId(this.#parts.ground.clock.now(), this.#nextDice());
  }

  /** Each random byte is used once. */
  #nextDice(): Bytes {
    if (this.#dice.length === 0) this.#dice = this.#parts.ground.random.bytes(idsAtOnce * idDiceBytes);
    const dice = this.#dice.subarray(0, idDiceBytes);
    this.#dice = this.#dice.subarray(idDiceBytes);
    return dice;
  }

  #nextQuestion(): number {
    this.#questions += 1;
    return this.#questions;
  }
}

/** As many questions at once as the other side keeps answers for. */
const queriesMax = limits.pendingReceiptsMax / limits.receiptIdsMax;

const idDiceBytes = 10;
/** An id is no secret, and asking the system for random bytes costs more than all else about it. */
const idsAtOnce = 256;

/** Room for the application fields beside the body. */
const fieldsBytesMax = 1024;

const ownBytesMax = limits.bodyBytesMax - fieldsBytesMax;
/** No letter of a text takes more bytes than that, by the units that a text is counted in. */
const unitBytesMax = 3;

/** The body as JSON. Before anything is kept: what no peer could take is refused here. */
function sendableText(body: BodyByType[ApplicationType]): string {
  const { text, length } = measured(body);
  if (length > ownBytesMax) throw new HikyakuError("MESSAGE_TOO_LARGE", `A body of ${length} bytes is above the limit of ${ownBytesMax}.`);
  return text;
}

/** `length` is at most that of the text in bytes where the text is so short that nobody has to know. */
function measured(body: BodyByType[ApplicationType]): { readonly text: string; readonly length: number } {
  try {
    const text = JSON.stringify(body);
    return { text, length: text.length * unitBytesMax <= ownBytesMax ? text.length : encodeUtf8(text).length };
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", "A body must be JSON.", { cause: error });
  }
}
