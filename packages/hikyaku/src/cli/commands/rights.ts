/** `hikyaku block` and `hikyaku scopes`: what a peer that is pinned may do, without the rest of `hikyaku trust`. */

import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import type { ControlClient } from "../control-client.ts";

interface Rights {
  readonly did: string;
  readonly name: string;
  readonly level: string;
  readonly scopes: readonly string[];
}

/** The peer takes nothing from it any more, and its sessions end. What it was allowed stays written down for the day it is trusted again. */
export async function block(call: Call, reference: string): Promise<void> {
  const blocked = await withPeer(call, (peer) => change(peer, reference, { level: "blocked" }));
  await call.terminal.show(
    `Blocked ${visible(blocked.name)}. To take it back: hikyaku trust ${visible(blocked.name)} --level trusted`,
    rightsOf(blocked),
  );
}

/** Without a list it only shows. */
export async function scopes(call: Call, reference: string, allow: readonly string[] | undefined): Promise<void> {
  const found = await withPeer(call, (peer) => (allow === undefined ? find(peer, reference) : change(peer, reference, { allow })));
  await call.terminal.show(visible(describe(found)), rightsOf(found));
}

const find = (peer: ControlClient, reference: string): Promise<Rights> => peer.get<Rights>(`/peers/${segment(reference)}`);

/** Only of a peer that is known: `POST /peers` would pin a new one, and that is what `hikyaku trust` and `hikyaku pair` are for. */
async function change(
  peer: ControlClient,
  reference: string,
  what: { readonly level: "blocked" } | { readonly allow: readonly string[] },
): Promise<Rights> {
  const { did } = await find(peer, reference);
  return await peer.post<Rights>("/peers", { peer: did, ...what });
}

const rightsOf = ({ did, name, level, scopes: allowed }: Rights): Rights => ({ did, name, level, scopes: allowed });

function describe({ name, level, scopes: allowed }: Rights): string {
  const listed = allowed.join(", ") || "nothing but report and ask";
  if (level === "blocked") return `${name} is blocked and may do nothing; once trusted again it may: ${listed}`;
  if (level === "seen") return `${name} is only seen and may report and ask; once trusted it may: ${listed}`;
  return level === "admin" ? `${name} is an admin and may do everything` : `${name} may: ${listed}`;
}
