/**
 * Everything that waits for one peer, and what goes next (spec §10): strictly by priority, but a lower one is passed over only so often; within a priority what nobody
 * keeps goes first, because it is small and answers somebody. Where the link carries bundles, all that fits goes together.
 */
import {
  type BodyByType,
  type BundleItem,
  bundleHeadBytesOf,
  bundleItemBytesOf,
  encodeBody,
  encodeBundle,
  encodeKeptBody,
  limits,
  type MessageType,
  type Priority,
} from "@hikyaku/protocol";
import { type Cargo, priorities } from "./cargo.ts";
import { type LaneEntry, OutgoingLane } from "./outgoing-lane.ts";
import { ReceiptBook } from "./receipt-book.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** What goes in one envelope. */
export interface Load {
  readonly msgType: MessageType;
  readonly plaintext: Parameters<typeof bundleItemBytesOf>[0]["body"];
  readonly cargo: readonly Cargo[];
}

export interface LoadRules {
  /** Whether the link and the session's version carry bundles. */
  readonly isBundling: boolean;
  /** Whether durable messages may go now. */
  readonly isOpenForLanes: boolean;
}

export class Bag {
  readonly room: WaitingRoom = new WaitingRoom();
  readonly receipts: ReceiptBook = new ReceiptBook();
  readonly lanes: ReadonlyMap<Priority, OutgoingLane> = new Map(priorities.map((priority) => [priority, new OutgoingLane(priority)]));
  /** Part of our lanes' names at this peer, once the outbox has told it. */
  epoch: string | undefined;
  readonly #passedOver: Record<Priority, number> = { high: 0, normal: 0, low: 0 };

  /** Whether something could be loaded now. */
  hasCargo(rules: Pick<LoadRules, "isOpenForLanes">): boolean {
    return priorities.some((priority) => this.#has(priority, rules));
  }

  /** The entry of a message of ours that is in memory. */
  find(id: string): LaneEntry | undefined {
    for (const lane of this.lanes.values()) {
      const entry = lane.find(id);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Takes the next load out of the bag. Durable messages stay in their lanes: whoever ships the load says that they are on the way. */
  load(rules: LoadRules): Load | undefined {
    const priority = this.#choose(rules);
    if (priority === undefined) return undefined;
    const receipt = priority === "high" ? this.receipts.take() : undefined;
    if (receipt !== undefined) this.room.put({ msgType: "receipt", plaintext: encodeBody<"receipt">(receipt), priority });
    const cargo = rules.isBundling ? this.#gather(priority, rules) : this.#first(priority, rules);
    const [only] = cargo;
    if (only === undefined) return undefined;
    this.room.take(priority, cargo.filter(({ entry }) => entry === undefined).length);
    if (cargo.length === 1) return { msgType: only.msgType, plaintext: only.plaintext, cargo };
    return { msgType: "bundle", plaintext: encodeBundle(cargo.map(itemOf)), cargo };
  }

  #choose(rules: LoadRules): Priority | undefined {
    const waiting = priorities.filter((priority) => this.#has(priority, rules));
    const starved = waiting.find((priority) => this.#passedOver[priority] >= limits.passedOverMax);
    const chosen = starved ?? waiting[0];
    for (const priority of waiting) this.#passedOver[priority] = priority === chosen ? 0 : this.#passedOver[priority] + 1;
    return chosen;
  }

  #has(priority: Priority, { isOpenForLanes }: Pick<LoadRules, "isOpenForLanes">): boolean {
    if (this.room.has(priority) || (priority === "high" && this.receipts.isDue)) return true;
    return isOpenForLanes && (this.lanes.get(priority)?.readyCount ?? 0) > 0;
  }

  *#cargo(priority: Priority, { isOpenForLanes }: LoadRules): Generator<Cargo> {
    yield* this.room.peek(priority);
    const lane = this.lanes.get(priority);
    if (lane === undefined || !isOpenForLanes) return;
    for (const entry of lane.ready()) yield this.#cargoOf(entry);
  }

  #first(priority: Priority, rules: LoadRules): readonly Cargo[] {
    const first = this.#cargo(priority, rules).next();
    return first.done === true ? [] : [first.value];
  }

  /** As many as fit in one bundle, in order. What has to go alone goes alone. */
  #gather(priority: Priority, rules: LoadRules): readonly Cargo[] {
    const gathered: Cargo[] = [];
    let bytes = bundleHeadBytesOf(limits.bundleCountMax);
    for (const one of this.#cargo(priority, rules)) {
      if (one.entry?.isAlone === true && gathered.length > 0) break;
      bytes += bundleItemBytesOf(itemOf(one));
      if (gathered.length > 0 && bytes > limits.bundleBytesMax) break;
      gathered.push(one);
      if (one.entry?.isAlone === true || gathered.length >= limits.bundleCountMax) break;
    }
    return gathered;
  }

  #cargoOf(entry: LaneEntry): Cargo {
    const { message, lane } = entry;
    if (this.epoch === undefined) throw new TypeError("a message is loaded before its lane has a name");
    const plaintext = encodeKeptBody(message.body, {
      id: message.id,
      sent_at: message.sentAt,
      exp: message.exp,
      ...(message.replyTo === undefined ? {} : { reply_to: message.replyTo }),
      ...(message.thread === undefined ? {} : { thread: message.thread }),
      lane: `${this.epoch}/${lane.priority}`,
      order: message.order,
      floor: lane.floor,
    });
    return { msgType: message.type, plaintext, priority: lane.priority, entry };
  }
}

const itemOf = ({ msgType, plaintext }: Cargo): BundleItem => ({ msgType, body: plaintext });

/** A body that nobody keeps, ready to wait. */
export function ephemeral<Type extends keyof BodyByType>(
  msgType: Type,
  body: BodyByType[Type],
  priority: Priority,
  told: Pick<Cargo, "sealed" | "failed"> = {},
): Cargo {
  return { msgType, plaintext: encodeBody<Type>(body), priority, ...told };
}
