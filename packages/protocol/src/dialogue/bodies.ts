/** Which body belongs to which message type, and how it comes from and goes to bytes (spec BODY-1 to BODY-4). */
import type { Bytes } from "../base/bytes.ts";
import { bodyBytesMax, bodyDepthMax } from "../base/limits.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { readJson } from "../wire/canonical-json.ts";
import type { MessageType } from "../wire/message-types.ts";
import { type ApplicationFields, hasSoundLane, type LaneFields } from "./application.ts";
import { type CapabilityQueryBody, type CapabilityResponseBody, capabilityQuerySchema, capabilityResponseSchema } from "./capability.ts";
import { type ErrorBody, errorSchema } from "./error-report.ts";
import {
  type DiscoveryBody,
  discoverySchema,
  type HeartbeatBody,
  heartbeatSchema,
  type PingBody,
  pingSchema,
  type SessionCloseBody,
  type StatusBody,
  sessionCloseSchema,
  statusSchema,
  type WakeUpBody,
  wakeUpSchema,
} from "./liveness.ts";
import { type MessageBody, messageReader } from "./message.ts";
import { type ReceiptBody, type ReceiptQueryBody, receiptQuerySchema, receiptSchema } from "./receipt.ts";
import {
  type TaskCancelBody,
  type TaskDelegateBody,
  type TaskInputBody,
  type TaskQueryBody,
  type TaskUpdateBody,
  taskCancelSchema,
  taskDelegateSchema,
  taskInputSchema,
  taskQuerySchema,
  taskUpdateSchema,
} from "./task.ts";

/** The bodies that are JSON inside a session, by message type. */
export interface BodyByType {
  readonly message: MessageBody;
  readonly ping: PingBody;
  readonly pong: PingBody;
  readonly heartbeat: HeartbeatBody;
  readonly status_report: StatusBody;
  readonly discovery: DiscoveryBody;
  readonly wake_up: WakeUpBody;
  readonly session_close: SessionCloseBody;
  readonly capability_query: CapabilityQueryBody;
  readonly capability_response: CapabilityResponseBody;
  readonly receipt: ReceiptBody;
  readonly receipt_query: ReceiptQueryBody;
  readonly error: ErrorBody;
  readonly task_delegate: TaskDelegateBody;
  readonly task_update: TaskUpdateBody;
  readonly task_query: TaskQueryBody;
  readonly task_cancel: TaskCancelBody;
  readonly task_input: TaskInputBody;
}

export type DialogueType = keyof BodyByType;

/** The types whose bodies carry the application fields. */
export type ApplicationType = Extract<
  DialogueType,
  "message" | "status_report" | "wake_up" | "task_delegate" | "task_update" | "task_query" | "task_cancel" | "task_input"
>;

export type ApplicationBody<Type extends ApplicationType> = ApplicationFields & BodyByType[Type];

interface Schema<Body> {
  safeParse(value: unknown): { readonly success: boolean; readonly data?: Body };
}

const schemas: { readonly [Type in DialogueType]: Schema<BodyByType[Type]> } = {
  message: messageReader,
  ping: pingSchema,
  pong: pingSchema,
  heartbeat: heartbeatSchema,
  status_report: statusSchema,
  discovery: discoverySchema,
  wake_up: wakeUpSchema,
  session_close: sessionCloseSchema,
  capability_query: capabilityQuerySchema,
  capability_response: capabilityResponseSchema,
  receipt: receiptSchema,
  receipt_query: receiptQuerySchema,
  error: errorSchema,
  task_delegate: taskDelegateSchema,
  task_update: taskUpdateSchema,
  task_query: taskQuerySchema,
  task_cancel: taskCancelSchema,
  task_input: taskInputSchema,
};

export const isDialogueType = (type: MessageType): type is DialogueType => Object.hasOwn(schemas, type);

const applicationTypes: ReadonlySet<DialogueType> = new Set<DialogueType>([
  "message",
  "status_report",
  "wake_up",
  "task_delegate",
  "task_update",
  "task_query",
  "task_cancel",
  "task_input",
]);

/** Whether this body is an application's, to be stored and receipted. READY is the one status report that is not. */
export const isApplication = (type: DialogueType, body: BodyByType[DialogueType]): boolean =>
  applicationTypes.has(type) && !("ready" in body);

/** The body's UTF-8 JSON. Throws a RangeError above 128 KiB: what is larger goes by chunks. */
export function encodeBody<Type extends DialogueType>(body: BodyByType[Type] | (ApplicationFields & BodyByType[Type])): Bytes {
  const bytes = encodeUtf8(JSON.stringify(body));
  if (bytes.length > bodyBytesMax) throw new RangeError(`a body of ${bytes.length} bytes is above the limit of ${bodyBytesMax}`);
  return bytes;
}

/** The same bytes from a body that is JSON text already, as an outbox keeps it: `{…}` and the fields beside it. */
export function encodeKeptBody(ownFields: string, fields: ApplicationFields): Bytes {
  const separator = ownFields === "{}" ? "" : ",";
  return encodeUtf8(`${ownFields.slice(0, -1)}${separator}${JSON.stringify(fields).slice(1)}`);
}

/** The typed body, or undefined where the bytes are no JSON of this type. Fields we do not know are left out: a newer peer may send them. */
export function decodeBody<Type extends DialogueType>(type: Type, bytes: Bytes): BodyByType[Type] | undefined {
  if (bytes.length > bodyBytesMax) return undefined;
  const parsed = schemas[type].safeParse(readJson(bytes, bodyDepthMax));
  return parsed.success && hasSoundLane(parsed.data as LaneFields) ? parsed.data : undefined;
}
