/** What every program of the proofs does beside its work: says when it is up and how it stands, meets the other one, and closes its peer once nobody is left to ask. */
import type { Peer, Scope } from "hikyaku";
import type { Meeting, Report } from "./words.ts";

export interface LifeSettings<Order, View> {
  /** What the other one may do here. */
  readonly allow: readonly Scope[];
  readonly obey: (order: Order) => void;
  readonly view: () => View;
  /** What is still to be done before its peer is closed. */
  readonly atEnd?: () => Promise<unknown>;
}

/** For those who report between two views. */
export interface Life {
  readonly failed: (reason: unknown) => void;
}

const viewEveryMs = 3;

export function live<Order, View>(peer: Peer, { allow, obey, view, atEnd = async () => undefined }: LifeSettings<Order, View>): Life {
  const report = (said: Report<View>): void => void process.send?.(said);
  const failed = (reason: unknown): void => report({ kind: "failed", reason: String(reason) });
  const meet = async ({ did, address }: Meeting): Promise<void> => {
    await peer.trust({ peer: did, name: "other", allow, addresses: [address] });
    report({ kind: "met" });
  };
  const end = async (): Promise<void> => {
    await atEnd();
    await peer.close();
  };
  let last = view();
  process.on("message", (order: { readonly kind: string }) => {
    if (order.kind === "meet") meet(order as Meeting).catch(failed);
    else obey(order as Order);
  });
  process.once("disconnect", () => void end().finally(() => process.exit()));
  setInterval(() => {
    const now = view();
    if (JSON.stringify(now) === JSON.stringify(last)) return;
    last = now;
    report({ kind: "view", view: now });
  }, viewEveryMs);
  report({ kind: "up", did: peer.did, address: peer.addresses[0] ?? "", view: last });
  return { failed };
}
