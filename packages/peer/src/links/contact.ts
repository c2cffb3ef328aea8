import type { KnownPeer } from "../ports/trust-store.ts";

/** Whom to reach: a known peer, or a stranger from a pairing link. */
export type Contact = Pick<KnownPeer, "did" | "name" | "addresses" | "minVersion">;
