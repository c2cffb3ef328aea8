/**
 * Who asks, and what of the peer it sees (spec AGENT-2). An agent that may reach some peers only is told of no other: what it may not see is to it as if it were not there, so
 * every answer about that is the one for what is absent.
 */
import type { Peer, PeerView } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import type { AgentCaller } from "../agents/agent-gate.ts";
import type { Addressee } from "../agents/deed.ts";
import { isListed } from "../agents/policy.ts";

export type Caller = { readonly kind: "owner" } | ({ readonly kind: "agent" } & AgentCaller);

export const seesOf =
  (caller: Caller): ((did: string) => boolean) =>
  (did) =>
    caller.kind === "owner" || isListed(caller.policy.peers, did);

/** Where what is had with peers is looked for. */
export const lookUpOf = (caller: Caller): { readonly among?: (did: string) => boolean } =>
  caller.kind === "owner" ? {} : { among: seesOf(caller) };

/** The peer of this name or did; throws UNKNOWN_PEER. */
export function peerSeen(peer: Peer, caller: Caller, reference: string): PeerView {
  if (caller.kind === "owner") return peer.peer(reference);
  const found = lookUp(peer, reference);
  if (found !== undefined && seesOf(caller)(found.did)) return found;
  throw new HikyakuError("UNKNOWN_PEER", `Agent ${caller.name} sees no peer that is called ${JSON.stringify(reference)}.`);
}

/** Whom an agent means. Nothing is thrown for one that is absent: the gate refuses it, so that it is counted and written down. */
export function addresseeOf(peer: Peer, caller: Caller, reference: string): Addressee {
  const found = lookUp(peer, reference);
  const isSeen = found !== undefined && seesOf(caller)(found.did);
  return { did: found?.did, name: isSeen ? found.name : reference };
}

function lookUp(peer: Peer, reference: string): PeerView | undefined {
  try {
    return peer.peer(reference);
  } catch (error) {
    if (error instanceof HikyakuError && error.code === "UNKNOWN_PEER") return undefined;
    throw error;
  }
}
