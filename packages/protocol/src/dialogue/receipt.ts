import * as z from "zod/mini";
import { reasonLengthMax, receiptIdsMax } from "../base/limits.ts";
import { isMessageId } from "./message-id.ts";

/** How far a message has come at its recipient (spec §11). The last two are final. */
export type ReceiptStage = "stored" | "delivered" | "handled" | "refused";

/** The recipient's word on messages it got. */
export interface ReceiptBody {
  readonly ids: readonly string[];
  readonly stage: ReceiptStage;
  /** An error code, beside `refused`. */
  readonly reason?: string;
}

/** Asks for the receipts of messages that were sent. */
export interface ReceiptQueryBody {
  readonly ids: readonly string[];
}

const ids = z.readonly(z.array(z.string().check(z.refine(isMessageId))).check(z.minLength(1), z.maxLength(receiptIdsMax)));

export const receiptSchema: z.ZodMiniType<ReceiptBody> = z.object({
  ids,
  stage: z.enum(["stored", "delivered", "handled", "refused"]),
  reason: z.exactOptional(z.string().check(z.maxLength(reasonLengthMax))),
});
export const receiptQuerySchema: z.ZodMiniType<ReceiptQueryBody> = z.object({ ids });
