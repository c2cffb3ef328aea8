import * as z from "zod/mini";
import { lanesPerSenderMax, reasonLengthMax, receiptIdsMax } from "../base/limits.ts";
import { laneName, laneOrder } from "./application.ts";
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

/** Asks for the receipts of messages that were sent, and says what will not be sent any more. */
export interface ReceiptQueryBody {
  readonly ids: readonly string[];
  /** Where nothing follows a message that expired, nothing else would tell that its order is not to be waited for. */
  readonly lanes?: readonly LaneFloor[];
}

/** The lowest order of a lane that its sender may still send. */
export interface LaneFloor {
  readonly lane: string;
  readonly floor: number;
}

const ids = z.readonly(z.array(z.string().check(z.refine(isMessageId))).check(z.minLength(1), z.maxLength(receiptIdsMax)));

export const receiptSchema: z.ZodMiniType<ReceiptBody> = z.object({
  ids,
  stage: z.enum(["stored", "delivered", "handled", "refused"]),
  reason: z.exactOptional(z.string().check(z.maxLength(reasonLengthMax))),
});
const laneFloor = z.object({ lane: laneName, floor: laneOrder });

export const receiptQuerySchema: z.ZodMiniType<ReceiptQueryBody> = z.object({
  ids,
  lanes: z.exactOptional(z.readonly(z.array(laneFloor).check(z.maxLength(lanesPerSenderMax)))),
});
