/** How messages enter the inbox (spec §11): judged one after another by their lane, the bounds and their id. In the common case that costs one statement each. */
import type { Arrival, InboxBounds, InboxMessage } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";
import type { InboxLedger, LaneAccount, SenderAccount } from "./inbox-ledger.ts";
import { wordOn } from "./inbox-stages.ts";
import type { Sql } from "./sql.ts";

export interface ArrivalSettings {
  readonly bounds: InboxBounds;
  readonly seal: (message: InboxMessage) => Bytes;
}

interface Seat {
  readonly sender: SenderAccount;
  readonly lane: LaneAccount;
  readonly bytes: number;
}

export class InboxArrivals {
  readonly #sql: Sql;
  readonly #ledger: InboxLedger;
  readonly #settings: ArrivalSettings;

  constructor(sql: Sql, ledger: InboxLedger, settings: ArrivalSettings) {
    this.#sql = sql;
    this.#ledger = ledger;
    this.#settings = settings;
  }

  arrive(message: InboxMessage): Arrival {
    const sender = this.#ledger.sender(message.from);
    const known = this.#ledger.lane(sender.senderId, message.place?.lane ?? "");
    const isLive = known !== undefined && !known.isRetired;
    // A copy of something opens no lane.
    const copy = isLive ? undefined : this.#copyOf(message, sender);
    if (copy !== undefined) return copy;
    const lane = isLive ? known : this.#openLane(message, sender);
    if (lane === undefined) return { kind: "full", bound: "lanes" };
    const skipped = message.place === undefined ? 0 : lane.orders.raiseFloor(message.place.floor);
    this.#ledger.release(lane);
    const arrival = this.#judge(message, { sender, lane, bytes: Buffer.byteLength(message.body) });
    return skipped === 0 ? arrival : { ...arrival, skipped };
  }

  /** The id is looked up only where the message is not stored: the table itself refuses a second one. */
  #judge(message: InboxMessage, seat: Seat): Arrival {
    const { place } = message;
    const standing = place === undefined ? "due" : seat.lane.orders.judge(place.order, seat.bytes, this.#settings.bounds);
    if (standing === "outdated" || standing === "ahead") return this.#copyOf(message, seat.sender) ?? { kind: standing };
    const bound = this.#boundReached(seat);
    if (bound !== undefined) return this.#copyOf(message, seat.sender) ?? { kind: "full", bound };
    if (!this.#insert(message, seat, standing === "waits")) return this.#copyOf(message, seat.sender) ?? { kind: "outdated" };
    return this.#count(message, seat) ? { kind: "stored", releases: true } : { kind: "stored" };
  }

  #copyOf({ id }: InboxMessage, { senderId }: SenderAccount): Arrival | undefined {
    const row = this.#sql.get`SELECT stage, reason FROM inbox WHERE sender_id = ${senderId} AND id = ${id}`;
    return row && { kind: "duplicate", ...wordOn(row as unknown as Parameters<typeof wordOn>[0]) };
  }

  /** A retired lane comes back as it was. */
  #openLane({ place, receivedAt }: InboxMessage, { senderId }: SenderAccount): LaneAccount | undefined {
    const name = place?.lane ?? "";
    if (name !== "" && !this.#makeRoom(senderId, receivedAt)) return undefined;
    const lane = this.#ledger.lane(senderId, name) ?? this.#ledger.addLane(senderId, name, receivedAt);
    lane.isRetired = false;
    return lane;
  }

  #makeRoom(senderId: number, now: number): boolean {
    const { lanesPerSenderMax, laneIdleMsMax } = this.#settings.bounds;
    const lanes = this.#ledger.lanesOf(senderId);
    if (lanes.length < lanesPerSenderMax) return true;
    const [idlest] = lanes.toSorted((left, right) => left.lastAt - right.lastAt);
    if (idlest === undefined || idlest.lastAt > now - laneIdleMsMax) return false;
    idlest.orders.skipAll();
    this.#ledger.release(idlest);
    idlest.isRetired = true;
    return true;
  }

  #boundReached({ sender, bytes }: Seat): "sender" | "inbox" | undefined {
    const { inboxUnreadPerSenderMax, inboxUnreadBytesPerSenderMax, inboxBytesPerSenderMax, inboxBytesMax } = this.#settings.bounds;
    if (sender.unread >= inboxUnreadPerSenderMax || sender.unreadBytes + bytes > inboxUnreadBytesPerSenderMax) return "sender";
    if (sender.bytes + bytes > inboxBytesPerSenderMax) return "sender";
    return this.#ledger.totals.bytes + bytes > inboxBytesMax ? "inbox" : undefined;
  }

  #insert(message: InboxMessage, { sender, lane, bytes }: Seat, isWaiting: boolean): boolean {
    const { id, place, type, sentAt, exp, receivedAt, replyTo = null, thread = null } = message;
    const { changes } = this.#sql.run`
      INSERT INTO inbox (
        position, sender_id, lane_id, id, stage, waiting, lane_order, lane_floor,
        type, bytes, sent_at, exp, received_at, reply_to, thread, sealed_body
      )
      VALUES (
        ${this.#ledger.totals.position + 1}, ${sender.senderId}, ${lane.laneId}, ${id}, 0, ${Number(isWaiting)}, ${place?.order ?? null},
        ${place?.floor ?? null}, ${type}, ${bytes}, ${sentAt}, ${exp}, ${receivedAt}, ${replyTo}, ${thread}, ${this.#settings.seal(message)}
      )
      ON CONFLICT (sender_id, id) DO NOTHING`;
    return changes === 1;
  }

  /** Whether others waited for it. */
  #count({ place, receivedAt }: InboxMessage, { sender, lane, bytes }: Seat): boolean {
    const { totals } = this.#ledger;
    totals.position += 1;
    totals.bytes += bytes;
    sender.unread += 1;
    sender.unreadBytes += bytes;
    sender.bytes += bytes;
    lane.held += 1;
    lane.lastAt = Math.max(lane.lastAt, receivedAt);
    if (place === undefined) return false;
    lane.orders.take(place.order, bytes);
    return this.#ledger.release(lane);
  }
}
