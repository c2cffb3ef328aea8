/** The door of the living peer. */
export { MemoryInbox } from "./adapters/memory-inbox.ts";
export { MemoryTrustStore } from "./adapters/memory-trust-store.ts";
export type { Inbox, InboxMessage, InboxQuery, InboxStage, StoredMessage } from "./ports/inbox.ts";
export type { KnownAddress, KnownPeer, TrustLevel, TrustStore } from "./ports/trust-store.ts";
