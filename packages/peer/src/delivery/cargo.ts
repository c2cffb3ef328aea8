/** One body on its way to one peer: what a courier loads, alone or with others. */
import type { Bytes, HikyakuError, MessageType, Priority } from "@hikyaku/protocol";
import type { LaneEntry } from "./outgoing-lane.ts";

export interface Cargo {
  readonly msgType: MessageType;
  readonly plaintext: Bytes;
  readonly priority: Priority;
  /** A durable message: it is on its way until its recipient has stored it. Whatever else is in the cargo is forgotten once it is sent. */
  readonly entry?: LaneEntry;
  /** Learns the reference by which an error would name the envelope, before anything leaves. */
  readonly sealed?: (ref: string) => void;
  /** Of the exchange that drew this, where one did. */
  readonly budget?: AnswerBudget;
  /** Told when the peer cannot be reached, or has no room for more. */
  readonly failed?: (error: HikyakuError) => void;
}

/** How many answers one exchange may still draw from us, however often the other side answers those in turn (spec LIM-5). */
export interface AnswerBudget {
  answersLeft: number;
}

/** From urgent to patient. */
export const priorities: readonly Priority[] = ["high", "normal", "low"];
