/** The small messages by which peers see that the other side is there, and in what state. */
import * as z from "zod/mini";
import { addressesPerPeerMax, addressLengthMax, nameLengthMax, reasonLengthMax } from "../base/limits.ts";
import { applicationShape } from "./application.ts";

/** A question that only a living session answers; `pong` gives the same number back. */
export interface PingBody {
  readonly n: number;
}

/** Sent every 30 s. Over HTTP it is also how a peer that can only call out fetches what waits for it. */
export interface HeartbeatBody {
  readonly seq: number;
}

/** How the sender is. With `ready` it is the responder's first sealed message, and control. */
export interface StatusBody {
  readonly ready?: true;
  /** One word for programs, such as `idle` or `busy`. */
  readonly state?: string;
  /** A sentence for people. */
  readonly detail?: string;
  /** Where the sender can be reached. */
  readonly addresses?: readonly string[];
}

/** Where the sender can be reached, said inside the session once it is ready. */
export interface DiscoveryBody {
  readonly addresses: readonly string[];
}

/** Asks the peer's agent to come up. */
export interface WakeUpBody {
  readonly reason?: string;
}

/** The sender forgets this session now. */
export interface SessionCloseBody {
  /** `declined`: the pairing that made this session came to nothing there (spec PAIR-5). Any other is for people. */
  readonly reason?: string;
}

const count = z.int().check(z.nonnegative());
const reason = z.exactOptional(z.string().check(z.maxLength(reasonLengthMax)));
const addresses = z.readonly(z.array(z.string().check(z.maxLength(addressLengthMax))).check(z.maxLength(addressesPerPeerMax)));

export const pingSchema: z.ZodMiniType<PingBody> = z.object({ n: count });
export const heartbeatSchema: z.ZodMiniType<HeartbeatBody> = z.object({ seq: count });
export const discoverySchema: z.ZodMiniType<DiscoveryBody> = z.object({ addresses });
export const wakeUpSchema: z.ZodMiniType<WakeUpBody> = z.object({ ...applicationShape, reason });
export const sessionCloseSchema: z.ZodMiniType<SessionCloseBody> = z.object({ reason });

const statusShape = {
  state: z.exactOptional(z.string().check(z.maxLength(nameLengthMax))),
  detail: z.exactOptional(z.string().check(z.maxLength(reasonLengthMax))),
  addresses: z.exactOptional(addresses),
};
export const statusSchema: z.ZodMiniType<StatusBody> = z.union([
  z.object({ ...statusShape, ready: z.literal(true) }),
  z.object({ ...applicationShape, ...statusShape, ready: z.exactOptional(z.never()) }),
]);
