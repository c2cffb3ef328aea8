/** What every application body carries beside its own fields (spec BODY-2): who it is, when it was sent, and what it belongs to. */
import * as z from "zod/mini";
import { isMessageId } from "./message-id.ts";

/** Where a durable message stands among those of its sender (spec §11). All three or none. */
export interface LaneFields {
  /** An epoch of the sender's outbox and the priority: `0f3a5c7e9b1d2f4a/normal`. */
  readonly lane?: string;
  /** Its place in the lane: 1, 2, 3, … */
  readonly order?: number;
  /** The lowest order of the lane that the sender may still send. */
  readonly floor?: number;
}

export interface ApplicationFields extends LaneFields {
  /** UUIDv7, the same however often the message is sealed anew. */
  readonly id: string;
  /** Milliseconds since 1970, by the sender's clock; the two times below likewise. */
  readonly sent_at: number;
  /** After this nobody should handle it any more. */
  readonly exp?: number;
  /** The id of the message that this one answers. */
  readonly reply_to?: string;
  readonly thread?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
  /** Not kept by either side and not receipted: for a handler that is there now. */
  readonly transient?: true;
}

const id = z.string().check(z.refine(isMessageId));
const time = z.int().check(z.nonnegative());
export const lanePattern: RegExp = /^[0-9a-f]{16}\/(?:high|normal|low)$/;
export const laneName: z.ZodMiniType<string> = z.string().check(z.regex(lanePattern));
export const laneOrder: z.ZodMiniType<number> = z.int().check(z.positive());

export const applicationShape: {
  readonly id: z.ZodMiniType<string>;
  readonly sent_at: z.ZodMiniType<number>;
  readonly exp: z.ZodMiniExactOptional<z.ZodMiniType<number>>;
  readonly reply_to: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly thread: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly traceparent: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly transient: z.ZodMiniExactOptional<z.ZodMiniType<true>>;
  readonly lane: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly order: z.ZodMiniExactOptional<z.ZodMiniType<number>>;
  readonly floor: z.ZodMiniExactOptional<z.ZodMiniType<number>>;
} = {
  id,
  sent_at: time,
  exp: z.exactOptional(time),
  reply_to: z.exactOptional(id),
  thread: z.exactOptional(id),
  traceparent: z.exactOptional(z.string().check(z.regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/))),
  transient: z.exactOptional(z.literal(true)),
  lane: z.exactOptional(laneName),
  order: z.exactOptional(laneOrder),
  floor: z.exactOptional(laneOrder),
};

/** LANE-1: lane, order and floor come together, and nobody sends what its own floor says will not be sent. */
export const hasSoundLane = ({ lane, order: place, floor }: LaneFields): boolean =>
  lane === undefined ? place === undefined && floor === undefined : place !== undefined && floor !== undefined && floor <= place;

const applicationFieldNames: ReadonlySet<string> = new Set(Object.keys(applicationShape));

/** The fields that belong to the type alone. */
export const withoutApplicationFields = <Body extends object>(body: ApplicationFields & Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !applicationFieldNames.has(name))) as Body;
