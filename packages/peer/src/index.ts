/** The door of the living peer. */
export { type Commit, commitAtOnce } from "./adapters/commit.ts";
export { Lane, type ReorderBounds, type Standing } from "./adapters/lane.ts";
export { emptyInbox, type InboxBounds, MemoryInbox, type MemoryInboxOptions, type MemoryInboxState } from "./adapters/memory-inbox.ts";
export { createMemoryNetwork, type MemoryListenerSettings, type MemoryNetwork } from "./adapters/memory-link.ts";
export { MemoryOfferStore, type MemoryOfferStoreOptions } from "./adapters/memory-offer-store.ts";
export {
  emptyOutbox,
  MemoryOutbox,
  type MemoryOutboxOptions,
  type MemoryOutboxState,
} from "./adapters/memory-outbox.ts";
export {
  emptyStatuses,
  type MemoryStatusesState,
  MemoryStatusHistory,
  type MemoryStatusHistoryOptions,
} from "./adapters/memory-status-history.ts";
export { emptyTasks, MemoryTaskStore, type MemoryTaskStoreOptions, type MemoryTasksState } from "./adapters/memory-task-store.ts";
export { MemoryTrustStore } from "./adapters/memory-trust-store.ts";
export { OpenStreams } from "./adapters/open-streams.ts";
export { type OutboxBounds, outboxIdTaken, requireOutboxRoom } from "./adapters/outbox-bounds.ts";
export { remarkToDrop, type Stations, stationEventsMax, tellEvents } from "./adapters/outbox-history.ts";
export { answerCodeOf, decodeRefusal, encodeRefusal, type ToldRefusal } from "./adapters/refusal-text.ts";
export { silentLog } from "./adapters/silent-log.ts";
export type { SocketLike } from "./adapters/socket-like.ts";
export type { StreamBounds } from "./adapters/stream-bounds.ts";
export { systemClock } from "./adapters/system-clock.ts";
export {
  bytesOfDraft,
  bytesOfNews,
  canSpend,
  costOf,
  hasRoom,
  judgeAppending,
  needsRoom,
  type OpenTasks,
  type TaskBounds,
} from "./adapters/task-steps.ts";
export { webRandom } from "./adapters/web-random.ts";
export { WebSocketStream, type WebSocketStreamNeeds, type WebSocketStreamSettings } from "./adapters/web-socket-stream.ts";
export type { Changed, ChangesQuery, Subject } from "./engine/changes.ts";
export type { PeerStatus } from "./engine/dialogue.ts";
export type { Incoming, MessageHandler, Sender } from "./engine/mail.ts";
export type { FirstContact, Needs, Settings } from "./engine/needs.ts";
export type { Candidate, Invitation, Terms } from "./engine/pairings.ts";
export { type CapabilityOptions, Peer, type PeerView, type SendOptions, type TrustChange } from "./engine/peer.ts";
export { RateLimiter } from "./engine/rate-limiter.ts";
export type { Receipt } from "./engine/receipts.ts";
export { traceOf } from "./engine/trace.ts";
export type { Patience } from "./engine/waits.ts";
export type { Wake, WakeCall } from "./engine/wake-ups.ts";
export type { Clock, Timer } from "./ports/clock.ts";
export type { Arrival, Inbox, InboxMessage, InboxQuery, InboxStage, LaneKey, LanePlace, StageOf, StoredMessage } from "./ports/inbox.ts";
export type {
  AddressKind,
  Dialer,
  DialOptions,
  Exchange,
  Link,
  Listener,
  Origin,
  Receiver,
  Reception,
  Refusal,
  Stream,
  StreamHolder,
} from "./ports/link.ts";
export type { Log, LogLevel } from "./ports/log.ts";
export type { KeptOffer, Offer, OfferStore } from "./ports/offer-store.ts";
export type {
  Draft,
  LaneOut,
  Outbox,
  OutboxEvent,
  OutboxRecord,
  OutboxStage,
  Progress,
  QueuedMessage,
  Remark,
} from "./ports/outbox.ts";
export type { Random } from "./ports/random.ts";
export type { KeptStatusReport, StatusHistory, StatusQuery, StatusReport } from "./ports/status-history.ts";
export type {
  TaskAddition,
  TaskAppending,
  TaskDraft,
  TaskEvent,
  TaskKey,
  TaskNews,
  TaskQuery,
  TaskRecord,
  TaskRole,
  TaskStore,
} from "./ports/task-store.ts";
export type { KnownAddress, KnownPeer, TrustLevel, TrustStore } from "./ports/trust-store.ts";

export type { CapabilityHandler, CapabilitySettings, OwnCapability } from "./work/capability-table.ts";
export { budgetUnlessTold, type DelegateOptions } from "./work/delegations.ts";

export { type AskOptions, type AssignedTask, type TaskContext, TaskFailure } from "./work/run.ts";
export type { Schema } from "./work/schema.ts";
export { Task, type TaskProgress } from "./work/task.ts";
