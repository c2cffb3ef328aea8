/** What this peer says to others, and how it learns that it was heard: messages with receipts, questions with answers, signs of life. */
import {
  type ApplicationFields,
  type BodyByType,
  type CapabilityResponseBody,
  type DialogueType,
  type ErrorCode,
  encodeUtf8,
  HikyakuError,
  limits,
  type MessageBody,
  newMessageId,
  type ReceiptStage,
} from "@hikyaku/protocol";
import type { KnownPeer } from "../ports/trust-store.ts";
import type { Contact } from "./handshakes-out.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import type { Outbound } from "./outbound.ts";
import type { Receipt, Receipts } from "./receipts.ts";
import type { LiveSession } from "./session-table.ts";
import { canceled, type Patience, type Waits } from "./waits.ts";

/** The types that a program may send with a receipt. */
export type PostType = "message" | "status_report";

export interface PostOptions extends Patience {
  /** The stage to wait for; `stored` unless told: the message is durable at the recipient. */
  readonly until?: Exclude<ReceiptStage, "refused">;
  /** The id of the message that this one answers. */
  readonly replyTo?: string;
  readonly thread?: string;
}

interface ExchangePatience extends Required<Pick<Patience, "timeoutMs" | "signal">> {
  /** For the frame that is on its way: its answer may bring more than the one that is waited for. */
  readonly sending: AbortSignal;
}

export interface PostingParts {
  readonly ground: Ground;
  readonly known: KnownPeers;
  readonly outbound: Outbound;
  readonly receipts: Receipts;
  readonly waits: Waits;
  readonly closing: AbortSignal;
}

export class Posting {
  readonly #parts: PostingParts;
  #questions = 0;

  constructor(parts: PostingParts) {
    this.#parts = parts;
  }

  /** Sends one application body and resolves with its receipt. Rejects with the recipient's code, UNREACHABLE, TIMED_OUT or CANCELED. */
  async post<Type extends PostType>(to: KnownPeer, msgType: Type, body: BodyByType[Type], options: PostOptions = {}): Promise<Receipt> {
    return await this.#post(this.#newId(), to, msgType, body, options);
  }

  /** Sends a message and resolves with the message that answers it. */
  async ask(to: KnownPeer, body: MessageBody, options: PostOptions = {}): Promise<ApplicationFields & MessageBody> {
    const id = this.#newId();
    return await this.#within(options, async (patience) => {
      const reply = this.#parts.waits.open<ApplicationFields & MessageBody>(`reply ${to.did} ${id}`, `answer from ${to.name}`, patience);
      const receipted = this.#post(id, to, "message", body, { ...options, signal: patience.sending });
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

  async queryCapabilities(to: Contact, patience: Patience = {}): Promise<CapabilityResponseBody> {
    const n = this.#nextQuestion();
    return await this.#question(to, "capability_query", { n }, `capabilities ${to.did} ${n}`, patience);
  }

  /** Tells a peer how far its messages have come. */
  async receipt(did: string, ids: readonly string[], stage: ReceiptStage, reason?: ErrorCode): Promise<void> {
    const peer = this.#parts.known.get(did);
    if (peer === undefined) return;
    for (let at = 0; at < ids.length; at += limits.receiptIdsMax) {
      const some = ids.slice(at, at + limits.receiptIdsMax);
      await this.#parts.outbound.send(
        peer,
        "receipt",
        { ids: some, stage, ...(reason === undefined ? {} : { reason }) },
        this.#parts.closing,
      );
    }
  }

  /** Says where we can be reached, in a session that we began. */
  async announce(session: LiveSession, contact: Contact, addresses: readonly string[]): Promise<void> {
    if (addresses.length > 0 && session.isReady) await this.#parts.outbound.send(contact, "discovery", { addresses }, this.#parts.closing);
  }

  /** Says that a session ends, to a peer that we can dial. */
  async close({ facts, isReady }: LiveSession, signal: AbortSignal): Promise<void> {
    const peer = this.#parts.known.get(facts.peerId);
    if (isReady && peer !== undefined && peer.addresses.length > 0) await this.#parts.outbound.send(peer, "session_close", {}, signal);
  }

  /** A sign of life, to a peer that we can dial. */
  async beat({ facts }: LiveSession, seq: number): Promise<void> {
    const peer = this.#parts.known.get(facts.peerId);
    if (peer !== undefined && peer.addresses.length > 0) await this.#parts.outbound.send(peer, "heartbeat", { seq }, this.#parts.closing);
  }

  async #post<Type extends PostType>(
    id: string,
    to: KnownPeer,
    msgType: Type,
    body: BodyByType[Type],
    options: PostOptions,
  ): Promise<Receipt> {
    const { until = "stored", replyTo, thread } = options;
    requireSendable(body);
    const fields: ApplicationFields = {
      id,
      sent_at: this.#parts.ground.clock.now(),
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      ...(thread === undefined ? {} : { thread }),
    };
    return await this.#within(options, async (patience) => {
      const receipt = this.#parts.receipts.waitFor(to, id, until, patience);
      return await this.#sendFor(receipt, to, msgType, { ...body, ...fields }, patience);
    });
  }

  async #question<Answer, Type extends DialogueType>(
    to: Contact,
    msgType: Type,
    body: BodyByType[Type],
    key: string,
    patience: Patience,
  ): Promise<Answer> {
    return await this.#within(patience, (bounded) =>
      this.#sendFor(this.#parts.waits.open<Answer>(key, `${msgType} answer from ${to.name}`, bounded), to, msgType, body, bounded),
    );
  }

  /** Sends, and resolves with what `answer` brings; an error of the transport or one that the peer sealed for this very message rejects it first. */
  async #sendFor<Answer, Type extends DialogueType>(
    answer: Promise<Answer>,
    to: Contact,
    msgType: Type,
    body: BodyByType[Type],
    patience: ExchangePatience,
  ): Promise<Answer> {
    const { outbound, waits } = this.#parts;
    const over = new AbortController();
    const refusal = Promise.withResolvers<never>();
    refusal.promise.catch(() => undefined);
    answer.catch(() => undefined);
    const sent = outbound.send(to, msgType, body, patience.sending, (ref) => {
      const refused = { timeoutMs: limits.requestTimeoutMsMax, signal: over.signal };
      waits.open<never>(`error ${to.did} ${ref}`, "refusal", refused).catch(refusal.reject);
    });
    try {
      return await Promise.race([answer, refusal.promise, sent.then(() => refusal.promise)]);
    } finally {
      over.abort();
    }
  }

  /** Runs one exchange. Its waits end with it; the frame on its way ends only where the exchange fails or the caller aborts. */
  async #within<Value>(
    { timeoutMs = limits.requestTimeoutMsDefault, signal }: Patience,
    run: (patience: ExchangePatience) => Promise<Value>,
  ): Promise<Value> {
    if (signal?.aborted === true) throw canceled("answer", signal);
    const over = new AbortController();
    const failed = new AbortController();
    const sending = AbortSignal.any([failed.signal, this.#parts.closing, ...(signal === undefined ? [] : [signal])]);
    try {
      return await run({ timeoutMs, signal: AbortSignal.any([over.signal, sending]), sending });
    } catch (error) {
      failed.abort();
      throw this.#parts.closing.aborted ? new HikyakuError("CLOSED", "The peer was closed.") : error;
    } finally {
      over.abort();
    }
  }

  #newId(): string {
    const { clock, random } = this.#parts.ground;
    return newMessageId(clock.now(), random.bytes(10));
  }

  #nextQuestion(): number {
    this.#questions += 1;
    return this.#questions;
  }
}

/** Room for the application fields beside the body. */
const fieldsBytesMax = 1024;

/** Before anything is sealed: what no peer could take is refused here. */
function requireSendable(body: BodyByType[PostType]): void {
  let length: number;
  try {
    length = encodeUtf8(JSON.stringify(body)).length;
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", "A body must be JSON.", { cause: error });
  }
  if (length > limits.bodyBytesMax - fieldsBytesMax)
    throw new HikyakuError("MESSAGE_TOO_LARGE", `A body of ${length} bytes is above the limit of ${limits.bodyBytesMax - fieldsBytesMax}.`);
}
