/** When an outbox takes no more (spec §16): in one place, so that every adapter refuses in the same words. */
import { HikyakuError, type limits } from "@hikyaku/protocol";
import type { Draft } from "../ports/outbox.ts";

export type OutboxBounds = Pick<
  typeof limits,
  "outboxBytesMax" | "outboxBytesPerRecipientMax" | "outboxPerRecipientMax" | "eventsPerMessageMax"
>;

/** What an outbox would hold with one more message. */
export interface OutboxFill {
  readonly bytes: number;
  readonly recipientBytes: number;
  readonly recipientCount: number;
}

/** Throws QUOTA_EXCEEDED. */
export function requireOutboxRoom({ to }: Draft, { bytes, recipientBytes, recipientCount }: OutboxFill, bounds: OutboxBounds): void {
  const { outboxBytesMax, outboxBytesPerRecipientMax, outboxPerRecipientMax } = bounds;
  if (bytes > outboxBytesMax) throw outboxFull(`The outbox may hold ${outboxBytesMax} bytes, and this message would make them ${bytes}`);
  if (recipientBytes > outboxBytesPerRecipientMax)
    throw outboxFull(
      `The outbox may hold ${outboxBytesPerRecipientMax} bytes for ${to}, and this message would make them ${recipientBytes}`,
    );
  if (recipientCount > outboxPerRecipientMax)
    throw outboxFull(`The outbox holds ${recipientCount - 1} messages to ${to}, as many as it may`);
}

export const outboxIdTaken = ({ id }: Draft): HikyakuError =>
  new HikyakuError("INVALID_ARGUMENT", `The outbox holds a message ${id} already: give each message an id of its own.`);

const outboxFull = (found: string): HikyakuError =>
  new HikyakuError(
    "QUOTA_EXCEEDED",
    `${found}: wait until messages have arrived, or look through the dead letters with hikyaku dead and drop some.`,
  );
