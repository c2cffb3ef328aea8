/** The door of what people install: one function that makes a peer, and the types it speaks in. */

export {
  type AskOptions,
  type AssignedTask,
  type Candidate,
  type CapabilityHandler,
  type CapabilitySettings,
  type DelegateOptions,
  type Incoming,
  type Invitation,
  type Log,
  type Peer,
  type PeerView,
  type Receipt,
  type Schema,
  type Sender,
  type SendOptions,
  type Task,
  type TaskContext,
  TaskFailure,
  type TaskKey,
  type TaskProgress,
  type TaskQuery,
  type TaskRecord,
  type Terms,
  type TrustChange,
  type WakeCall,
} from "@hikyaku/peer";
export {
  type Capability,
  type ErrorCode,
  HikyakuError,
  type MessageBody,
  type Scope,
  type StatusBody,
  type TaskState,
} from "@hikyaku/protocol";

export { createPeer, type PeerSettings } from "./create-peer.ts";
