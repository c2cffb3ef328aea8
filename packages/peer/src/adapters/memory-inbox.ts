/** An inbox that lives as long as its object: for tests, simulations and peers that shall forget. */
import { encodeUtf8, limits } from "@hikyaku/protocol";
import type { Appended, Inbox, InboxMessage, InboxQuery, InboxStage, StoredMessage } from "../ports/inbox.ts";
import { defaultInboxBounds, hasInboxRoom, type InboxBounds } from "./inbox-quota.ts";

const ranks: Readonly<Record<InboxStage, number>> = { stored: 0, delivered: 1, handled: 2 };

/** What waits unread of one sender. */
interface Unread {
  readonly count: number;
  readonly bytes: number;
}

const none: Unread = { count: 0, bytes: 0 };

export class MemoryInbox implements Inbox {
  /** By sender and id, in order of arrival. */
  readonly #messages = new Map<string, StoredMessage>();
  readonly #bounds: InboxBounds;
  readonly #unread = new Map<string, Unread>();
  #bytes = 0;

  /** Tighter bounds than the protocol's are for tests. */
  constructor(bounds: Partial<InboxBounds> = {}) {
    this.#bounds = { ...defaultInboxBounds, ...bounds };
  }

  async append(message: InboxMessage): Promise<Appended> {
    const key = keyOf(message.from, message.id);
    if (this.#messages.has(key)) return "duplicate";
    const unread = this.#unread.get(message.from) ?? none;
    const bodyBytes = bytesOf(message);
    const usage = { unreadOfSender: unread.count, unreadBytesOfSender: unread.bytes, bytes: this.#bytes };
    if (!hasInboxRoom(bodyBytes, usage, this.#bounds)) return "full";
    this.#unread.set(message.from, { count: unread.count + 1, bytes: unread.bytes + bodyBytes });
    this.#bytes += bodyBytes;
    this.#messages.set(key, { ...message, position: this.#messages.size + 1, stage: "stored" });
    return "stored";
  }

  async list({ after = 0, from, unread = false, limit }: InboxQuery): Promise<readonly StoredMessage[]> {
    const count = Math.max(0, Math.min(limit, limits.inboxPageMax));
    return [...this.#messages.values()]
      .filter((message) => message.position > after)
      .filter((message) => from === undefined || message.from === from)
      .filter((message) => !unread || message.stage === "stored")
      .slice(0, count);
  }

  async advance(from: string, ids: readonly string[], stage: InboxStage): Promise<readonly string[]> {
    return ids.filter((id) => this.#raise(keyOf(from, id), stage));
  }

  #raise(key: string, stage: InboxStage): boolean {
    const message = this.#messages.get(key);
    if (message === undefined || ranks[message.stage] >= ranks[stage]) return false;
    this.#messages.set(key, { ...message, stage });
    if (message.stage === "stored") this.#noteRead(message);
    return true;
  }

  #noteRead(message: StoredMessage): void {
    const { count, bytes } = this.#unread.get(message.from) ?? none;
    if (count <= 1) this.#unread.delete(message.from);
    else this.#unread.set(message.from, { count: count - 1, bytes: bytes - bytesOf(message) });
  }
}

const bytesOf = ({ body }: InboxMessage): number => encodeUtf8(body).length;

/** A JSON list, so that no two pairs have the same key. */
const keyOf = (from: string, id: string): string => JSON.stringify([from, id]);
