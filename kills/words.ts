/** What the proof and its two peers say to each other over IPC, and what their files are called. */

export type Order =
  /** Trust this one; said once in the life of a folder. */
  | { readonly kind: "meet"; readonly did: string; readonly address: string }
  /** Send the next messages, up to this number. */
  | { readonly kind: "send"; readonly upTo: number };

/** How a sender stands, as its own outbox says. */
export interface View {
  /** Messages that are durable: the numbers 1 to this one. */
  readonly durable: number;
  /** Of those, the ones of which no receipt has come, of whatever stage. */
  readonly silent: number;
  /** Of those, the ones whose end is not known. */
  readonly open: number;
}

export type Report =
  | { readonly kind: "up"; readonly did: string; readonly address: string; readonly view: View }
  /** The other one is trusted, and that is durable. */
  | { readonly kind: "met" }
  | ({ readonly kind: "view" } & View)
  | { readonly kind: "failed"; readonly reason: string };

/** `about <first> <last>` before these numbers are sent, `sent <n> <id>` once a message of ours is known to be durable. */
export const sendings = "sendings";
/** `start <id> <n>` and `end <id>`, by the handler. */
export const handlings = "handlings";
export const database = "hikyaku.db";
