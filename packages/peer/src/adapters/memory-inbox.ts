/** An inbox that lives as long as its object: for tests, simulations and peers that shall forget. */
import { limits } from "@hikyaku/protocol";
import type { Inbox, InboxMessage, InboxQuery, InboxStage, StoredMessage } from "../ports/inbox.ts";

const ranks: Readonly<Record<InboxStage, number>> = { stored: 0, delivered: 1, handled: 2 };

export class MemoryInbox implements Inbox {
  /** By sender and id, in order of arrival. */
  readonly #messages = new Map<string, StoredMessage>();

  async append(message: InboxMessage): Promise<"stored" | "duplicate"> {
    const key = keyOf(message.from, message.id);
    if (this.#messages.has(key)) return "duplicate";
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
    return true;
  }
}

/** A JSON list, so that no two pairs have the same key. */
const keyOf = (from: string, id: string): string => JSON.stringify([from, id]);
