/** Application messages that arrived: durable first, then handed to the agent, each step told to the sender by a receipt (spec §11). */
import { type ApplicationFields, HikyakuError, type MessageBody, type ReceiptStage } from "@hikyaku/protocol";
import type { Inbox, InboxMessage, InboxQuery, StoredMessage } from "../ports/inbox.ts";
import type { TrustLevel } from "../ports/trust-store.ts";
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
  /** Sends an answer that names this message; resolves when the sender has stored it. */
  reply(body: MessageBody): Promise<void>;
}

export type MessageHandler = (message: Incoming) => Promise<void> | void;

export interface MailParts {
  readonly ground: Ground;
  readonly inbox: Inbox;
  readonly known: KnownPeers;
  readonly posting: Posting;
  readonly background: (work: Promise<void>) => void;
}

export class Mail {
  readonly #parts: MailParts;
  #handler: MessageHandler | undefined;

  constructor(parts: MailParts) {
    this.#parts = parts;
  }

  /** One handler for all messages; without one they wait in the inbox. */
  handle(handler: MessageHandler): void {
    if (this.#handler !== undefined) throw new HikyakuError("INVALID_ARGUMENT", "There is a handler for messages already.");
    this.#handler = handler;
  }

  /**
   * BOX-1: resolves with the stage to receipt, and only once the message is durable. A repeated id is not handled again. Where there is no room for it (LIM-7) there is
   * nothing to receipt: `refused` would be final.
   */
  async receive(from: Sender, message: ApplicationFields & MessageBody): Promise<ReceiptStage | "full"> {
    const outcome = await this.#parts.inbox.append(inboxMessage(from, message, this.#parts.ground.clock.now()));
    if (outcome === "full") return "full";
    if (outcome === "duplicate") {
      this.#parts.ground.counters.add("message.duplicate");
      return "stored";
    }
    this.#parts.ground.counters.add("message.stored");
    if (this.#handler === undefined) return "stored";
    await this.#parts.inbox.advance(from.did, [message.id], "delivered");
    this.#parts.background(this.#run(this.#handler, this.#incoming(from, message)));
    return "delivered";
  }

  list(query: InboxQuery): Promise<readonly StoredMessage[]> {
    return this.#parts.inbox.list(query);
  }

  /** The agent has read these: their senders are told. */
  async markRead(messages: readonly Pick<StoredMessage, "from" | "id">[]): Promise<void> {
    for (const [did, ids] of idsBySender(messages)) {
      const risen = await this.#parts.inbox.advance(did, ids, "delivered");
      if (risen.length > 0) this.#parts.background(this.#parts.posting.receipt(did, risen, "delivered"));
    }
  }

  async #run(handler: MessageHandler, message: Incoming): Promise<void> {
    const { did } = message.from;
    try {
      await handler(message);
    } catch (error) {
      // The sender learns that its message failed here, and nothing of how.
      this.#parts.ground.log.write("error", "handler.failed", {
        peer: did,
        id: message.id,
        reason: error instanceof Error ? error.name : "thrown",
      });
      await this.#parts.posting.receipt(did, [message.id], "refused", "INTERNAL_ERROR");
      return;
    }
    await this.#parts.inbox.advance(did, [message.id], "handled");
    this.#parts.ground.counters.add("message.handled");
    await this.#parts.posting.receipt(did, [message.id], "handled");
  }

  #incoming(from: Sender, { id, sent_at, reply_to, thread, ...body }: ApplicationFields & MessageBody): Incoming {
    return {
      id,
      from,
      body: "text" in body ? { text: body.text } : { json: body.json },
      sentAt: sent_at,
      ...(reply_to === undefined ? {} : { replyTo: reply_to }),
      ...(thread === undefined ? {} : { thread }),
      reply: async (answer) => {
        await this.#parts.posting.post(this.#parts.known.resolve(from.did), "message", answer, { replyTo: id });
      },
    };
  }
}

const inboxMessage = (
  from: Sender,
  { id, sent_at, reply_to, thread, ...body }: ApplicationFields & MessageBody,
  now: number,
): InboxMessage => ({
  id,
  from: from.did,
  type: "message",
  body: JSON.stringify("text" in body ? { text: body.text } : { json: body.json }),
  sentAt: sent_at,
  receivedAt: now,
  ...(reply_to === undefined ? {} : { replyTo: reply_to }),
  ...(thread === undefined ? {} : { thread }),
});

function idsBySender(messages: readonly Pick<StoredMessage, "from" | "id">[]): ReadonlyMap<string, readonly string[]> {
  const bySender = new Map<string, string[]>();
  for (const { from, id } of messages) bySender.set(from, [...(bySender.get(from) ?? []), id]);
  return bySender;
}
