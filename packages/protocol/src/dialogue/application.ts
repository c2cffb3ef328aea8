/** What every application body carries beside its own fields (spec BODY-2): who it is, when it was sent, and what it belongs to. */
import * as z from "zod/mini";
import { isMessageId } from "./message-id.ts";

export interface ApplicationFields {
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
}

const id = z.string().check(z.refine(isMessageId));
const time = z.int().check(z.nonnegative());

export const applicationShape: {
  readonly id: z.ZodMiniType<string>;
  readonly sent_at: z.ZodMiniType<number>;
  readonly exp: z.ZodMiniExactOptional<z.ZodMiniType<number>>;
  readonly reply_to: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly thread: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
  readonly traceparent: z.ZodMiniExactOptional<z.ZodMiniType<string>>;
} = {
  id,
  sent_at: time,
  exp: z.exactOptional(time),
  reply_to: z.exactOptional(id),
  thread: z.exactOptional(id),
  traceparent: z.exactOptional(z.string().check(z.regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/))),
};
