/** What a peer is made of: parts that reach the machine, and settings that a person chooses. */
import type { Abilities, Bytes, Crypto, Identity, Moment, NonceSource } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Inbox } from "../ports/inbox.ts";
import type { Dialer, Listener } from "../ports/link.ts";
import type { Log } from "../ports/log.ts";
import type { OfferStore } from "../ports/offer-store.ts";
import type { Outbox } from "../ports/outbox.ts";
import type { Random } from "../ports/random.ts";
import type { StatusHistory } from "../ports/status-history.ts";
import type { TaskStore } from "../ports/task-store.ts";
import type { TrustStore } from "../ports/trust-store.ts";
import type { Changes } from "./changes.ts";
import type { Counters } from "./counters.ts";
import type { Wake } from "./wake-ups.ts";

export interface Needs {
  readonly crypto: Crypto;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
  readonly listener: Listener;
  readonly trustStore: TrustStore;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly tasks: TaskStore;
  readonly offers: OfferStore;
  readonly statuses: StatusHistory;
  /** What else the peer owns; disposed last, also where the start fails. */
  readonly resources?: AsyncDisposable;
}

/** What happens when a stranger with a good signature knocks: turned away, or pinned as `seen` (spec TRUST-3). */
export type FirstContact = "refuse" | "see";

export interface Settings {
  readonly firstContact: FirstContact;
  /** What this peer offers in a handshake. */
  readonly abilities: Abilities;
  /** Whether links to trusted peers are kept up although nothing waits: whoever can only call out is reachable over them. */
  readonly keepLinks: boolean;
  /** Wakes this peer's agent up; without it nobody can. */
  readonly wake?: Wake;
}

/** What every part of the engine leans on. */
export interface Ground extends Pick<Needs, "crypto" | "identity" | "clock" | "random" | "log"> {
  readonly counters: Counters;
  readonly changes: Changes;
  readonly nonces: NonceSource;
}

/** Both clocks, read at once. */
export const momentOf = ({ clock }: Pick<Ground, "clock">): Moment => ({ now: clock.now(), elapsed: clock.elapsed() });

export const dice = ({ random }: Pick<Ground, "random">): Bytes => random.bytes(32);
