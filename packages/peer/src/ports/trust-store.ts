/** Whom this peer knows, and what each of them may do (spec §12). */
import type { Bytes, ProtocolVersion, Scope } from "@hikyaku/protocol";

/** In rising order of trust. `unknown` is everybody who is not in the store. */
export type TrustLevel = "blocked" | "unknown" | "seen" | "trusted" | "admin";

export interface KnownAddress {
  /** `http://host:port`. */
  readonly address: string;
  /**
   * `person`: typed by one, which is permission to dial it. `link`: from a pairing link, which a person carried and the other side wrote: dialled unless it is a
   * name that leads to this machine (spec TRUST-9). `peer`: announced inside a session, dialled only if harmless (spec TRUST-6).
   */
  readonly source: "person" | "link" | "peer";
}

export interface KnownPeer {
  readonly did: string;
  /** The pinned Ed25519 key, 32 bytes. */
  readonly publicKey: Bytes;
  /** A pet name: local, unique, never taken from the network. */
  readonly name: string;
  readonly level: Exclude<TrustLevel, "unknown">;
  readonly scopes: readonly Scope[];
  readonly addresses: readonly KnownAddress[];
  /** No session below this version is accepted. */
  readonly minVersion: ProtocolVersion;
  /** Milliseconds since 1970. */
  readonly pinnedAt: number;
}

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface TrustStore {
  /** All known peers, by name. The engine keeps them in memory: at most `knownPeersMax`. */
  load(): Promise<readonly KnownPeer[]>;
  /** Adds a peer or replaces the entry with the same did. Rejects with INVALID_ARGUMENT where another did holds the name. */
  put(peer: KnownPeer): Promise<void>;
  /** Whether there was such a peer. */
  remove(did: string): Promise<boolean>;
}
