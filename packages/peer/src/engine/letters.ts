/** Our messages one by one, for people: why one did not arrive, and what to do with those that will not (spec §11, `explain` and dead letters). */
import { HikyakuError, limits, newMessageId } from "@hikyaku/protocol";
import type { Trouble } from "../links/setbacks.ts";
import type { Outbox, OutboxRecord } from "../ports/outbox.ts";
import type { Couriers } from "./couriers.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";

/** One message of ours, everything that happened to it, and what keeps it now. */
export interface Explanation extends OutboxRecord {
  /** The recipient's pet name, where it is still known. */
  readonly name: string | undefined;
  /** Beside a message that waits. */
  readonly trouble?: Trouble;
}

export interface LettersParts {
  readonly ground: Ground;
  readonly outbox: Outbox;
  readonly couriers: Couriers;
  readonly known: KnownPeers;
}

export class Letters {
  readonly #parts: LettersParts;

  constructor(parts: LettersParts) {
    this.#parts = parts;
  }

  /**
   * By an id or the beginning of one. Throws INVALID_ARGUMENT where it is none of ours, or of several. Messages to others than those `among` whom it is looked for are as if they
   * were not there.
   */
  async explain(reference: string, among?: (did: string) => boolean): Promise<Explanation> {
    const { outbox, couriers, known } = this.#parts;
    const whole = await outbox.find(reference);
    const found = whole !== undefined && (among?.(whole.to) ?? true) ? whole : await this.#byPrefix(reference, among);
    const trouble = found.stage === "queued" ? couriers.find(found.to)?.trouble : undefined;
    return { ...found, name: known.get(found.to)?.name, ...(trouble === undefined ? {} : { trouble }) };
  }

  async dead({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<readonly OutboxRecord[]> {
    return await this.#parts.outbox.dead(after, Math.min(limit, limits.inboxPageMax));
  }

  /** DLV-8: another try is another message, since the recipient knows the old id. */
  async retry(reference: string): Promise<string> {
    const { ground, outbox, couriers } = this.#parts;
    const letter = await outbox.deadLetter((await this.explain(reference)).id);
    if (letter === undefined) throw noDeadLetter(reference);
    if (letter.type !== "message")
      throw new HikyakuError("INVALID_ARGUMENT", `${reference} is a ${letter.type}, which is over; only messages can be sent anew.`);
    const now = ground.clock.now();
    const id = newMessageId(now, ground.random.bytes(10));
    const queued = await outbox.bury(letter.id, { ...letter, id, sentAt: now, exp: now + limits.messageLifeMsDefault });
    if (queued === undefined || queued === "buried") throw noDeadLetter(reference);
    couriers.of(queued.to).queued(queued);
    return id;
  }

  async drop(reference: string): Promise<void> {
    const { id } = await this.explain(reference);
    if ((await this.#parts.outbox.bury(id)) === undefined) throw noDeadLetter(reference);
  }

  async #byPrefix(prefix: string, among?: (did: string) => boolean): Promise<OutboxRecord> {
    const isPrefix = /^[0-9a-f-]{4,36}$/.test(prefix);
    const alike = isPrefix ? await this.#parts.outbox.findByPrefix(prefix, among === undefined ? 2 : limits.inboxPageMax) : [];
    const [found, other] = alike.filter(({ to }) => among?.(to) ?? true);
    if (found === undefined)
      throw new HikyakuError(
        "INVALID_ARGUMENT",
        `No message of this peer has the id ${prefix}; \`hikyaku send\` prints ids, and settled messages are forgotten after a week.`,
      );
    if (other !== undefined)
      throw new HikyakuError("INVALID_ARGUMENT", `Several messages have ids that begin with ${prefix}; give more of it.`);
    return found;
  }
}

const noDeadLetter = (reference: string): HikyakuError =>
  new HikyakuError("INVALID_ARGUMENT", `${reference} is no dead letter; \`hikyaku dead\` lists them.`);
