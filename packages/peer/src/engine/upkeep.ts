/** What has to be done from time to time whether or not anybody calls (spec §11): expiry, questions about messages that were stored long ago, forgetting. */
import { limits } from "@hikyaku/protocol";
import type { Inbox } from "../ports/inbox.ts";
import type { Outbox } from "../ports/outbox.ts";
import type { Work } from "../work/work.ts";
import type { Couriers } from "./couriers.ts";
import type { Handling } from "./handling.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import type { Posting } from "./posting.ts";
import type { Receipts } from "./receipts.ts";

export interface UpkeepParts {
  readonly ground: Ground;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly known: KnownPeers;
  readonly receipts: Receipts;
  readonly couriers: Couriers;
  readonly handling: Handling;
  readonly posting: Posting;
  readonly work: Work;
}

const pageSize = 1000;

export class Upkeep {
  readonly #parts: UpkeepParts;
  #queriedAt: number;
  #isRunning = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#queriedAt = parts.ground.clock.elapsed();
  }

  /** One round; a round that takes long is not overtaken by the next. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      await this.#expire();
      await this.#query();
      await this.#forget();
      await this.#parts.work.sweep();
      if (!this.#parts.handling.has("message")) await this.#parts.handling.settleInterrupted("message");
    } finally {
      this.#isRunning = false;
    }
  }

  /** DLV-7: what nobody handled in time is a dead letter, and whoever waits for it learns so; also the recipient, where later messages of the lane wait there for it. */
  async #expire(): Promise<void> {
    const { ground, outbox, receipts, couriers, posting } = this.#parts;
    for (;;) {
      const dead = await outbox.expire(ground.clock.now(), pageSize);
      for (const { id, to } of dead) {
        couriers.find(to)?.arrived([id]);
        await receipts.expired(to, id);
      }
      if (dead.length > 0) ground.counters.add("message.expired");
      for (const did of new Set(dead.map(({ to }) => to))) await posting.query(did);
      if (dead.length < pageSize) return;
    }
  }

  async #query(): Promise<void> {
    const { ground, known, posting } = this.#parts;
    const now = ground.clock.elapsed();
    if (now - this.#queriedAt < limits.receiptQueryIntervalMs) return;
    this.#queriedAt = now;
    for (const { did, level } of known.list()) if (level !== "blocked") await posting.query(did);
  }

  async #forget(): Promise<void> {
    const { ground, inbox, outbox } = this.#parts;
    const now = ground.clock.now();
    await inbox.sweep(now, { readBefore: now - limits.readMsMax, graceMs: limits.idGraceMs, limit: pageSize });
    await outbox.sweep(now - limits.settledMsMax, pageSize);
  }
}
