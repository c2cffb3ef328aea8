/** Who may say what (spec TRUST-2): default closed, decided from the session's identity and the local trust store alone. Nothing in a body can raise it. */
import type { MessageType, Scope } from "@hikyaku/protocol";
import type { TrustLevel } from "../ports/trust-store.ts";

export interface Standing {
  readonly level: TrustLevel;
  readonly scopes: readonly Scope[];
}

export const stranger: Standing = { level: "unknown", scopes: [] };

/** Answers and notices of a session that exists: they carry no right and start nothing. */
const harmless: ReadonlySet<MessageType> = new Set(["error", "receipt", "pong", "capability_response", "session_close"]);

/** What a peer may send whose key is pinned, and nothing more. */
const forSeen: ReadonlySet<MessageType> = new Set(["heartbeat", "ping", "status_report", "capability_query", "discovery", "receipt_query"]);

const scopeOfType: Partial<Record<MessageType, Scope>> = {
  message: "message",
  task_delegate: "task_delegate",
  task_query: "task_delegate",
  task_cancel: "task_delegate",
  task_input: "task_delegate",
  wake_up: "wake_up",
  chunk: "chunk",
  relay: "relay",
  group: "group",
};

/** What a trusted peer may send whatever its scopes: the word on work that we gave it, which means nothing where we gave it none. */
const forFriends: ReadonlySet<MessageType> = new Set(["task_update"]);

export function maySend({ level, scopes }: Standing, type: MessageType): boolean {
  if (level === "blocked") return false;
  if (harmless.has(type)) return true;
  if (level === "unknown") return false;
  if (forSeen.has(type)) return true;
  if (forFriends.has(type)) return level === "trusted" || level === "admin";
  const scope = scopeOfType[type];
  return scope !== undefined && (level === "admin" || (level === "trusted" && scopes.includes(scope)));
}

/** Whether the owner trusts this peer. */
export const isFriend = ({ level }: Standing): boolean => level === "trusted" || level === "admin";

/** Whether a handshake with this peer is wanted at all. */
export const mayConnect = ({ level }: Standing): boolean => level !== "blocked" && level !== "unknown";
