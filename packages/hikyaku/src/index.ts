/** The door of what people install: one function that makes a peer, and the types it speaks in. */
export type {
  Candidate,
  Incoming,
  Invitation,
  Log,
  Peer,
  PeerView,
  Receipt,
  Sender,
  SendOptions,
  Terms,
  TrustChange,
  WakeCall,
} from "@hikyaku/peer";
export { type ErrorCode, HikyakuError, type MessageBody, type Scope, type StatusBody } from "@hikyaku/protocol";
export { createPeer, type PeerSettings } from "./create-peer.ts";
