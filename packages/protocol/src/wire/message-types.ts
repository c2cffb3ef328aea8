/** Every message type with its priority, the version that brought it, and whether it is control: carried without an id and without receipts (spec §0). */
import type { ProtocolVersion } from "./versions.ts";

export type Priority = "high" | "normal" | "low";

/**
 * - `handshake`: makes a session, never travels inside one.
 * - `control`: keeps peer and session alive; no id, no receipt.
 * - `application`: has an id and is receipted.
 * - `carrier`: holds other messages.
 */
export type MessageKind = "handshake" | "control" | "application" | "carrier";

export interface MessageTypeFacts {
  readonly priority: Priority;
  readonly since: ProtocolVersion;
  readonly kind: MessageKind;
}

export const messageTypes = {
  handshake: { priority: "high", since: "1.0", kind: "handshake" },
  handshake_ack: { priority: "high", since: "1.0", kind: "handshake" },
  handshake_confirm: { priority: "high", since: "1.0", kind: "handshake" },
  wake_up: { priority: "high", since: "1.0", kind: "application" },
  task_delegate: { priority: "high", since: "1.0", kind: "application" },
  error: { priority: "high", since: "1.0", kind: "control" },
  receipt: { priority: "high", since: "1.0", kind: "control" },
  session_close: { priority: "high", since: "1.0", kind: "control" },
  status_report: { priority: "normal", since: "1.0", kind: "application" },
  capability_query: { priority: "normal", since: "1.0", kind: "control" },
  capability_response: { priority: "normal", since: "1.0", kind: "control" },
  discovery: { priority: "normal", since: "1.0", kind: "control" },
  chunk: { priority: "normal", since: "1.1", kind: "control" },
  message: { priority: "normal", since: "1.0", kind: "application" },
  ping: { priority: "normal", since: "1.0", kind: "control" },
  pong: { priority: "normal", since: "1.0", kind: "control" },
  receipt_query: { priority: "normal", since: "1.0", kind: "control" },
  prekeys: { priority: "normal", since: "1.2", kind: "application" },
  task_update: { priority: "normal", since: "1.0", kind: "application" },
  task_query: { priority: "normal", since: "1.0", kind: "application" },
  task_cancel: { priority: "normal", since: "1.0", kind: "application" },
  task_input: { priority: "normal", since: "1.0", kind: "application" },
  heartbeat: { priority: "low", since: "1.0", kind: "control" },
  bundle: { priority: "normal", since: "1.2", kind: "carrier" },
  offline: { priority: "normal", since: "1.2", kind: "carrier" },
  relay: { priority: "normal", since: "1.2", kind: "carrier" },
  group: { priority: "normal", since: "1.2", kind: "carrier" },
} as const;

export type MessageType = keyof typeof messageTypes;

export const messageTypeNames: readonly MessageType[] = Object.keys(messageTypes) as MessageType[];

export const isMessageType = (text: string): text is MessageType => Object.hasOwn(messageTypes, text);

export const factsOf = (type: MessageType): MessageTypeFacts => messageTypes[type];
