/** `hikyaku peers` and `hikyaku trust`: whom this peer knows, and what each may do. */
import { HikyakuError } from "@hikyaku/protocol";
import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";

interface Peer {
  readonly did: string;
  readonly name: string;
  readonly level: string;
  readonly scopes: readonly string[];
  readonly addresses: readonly string[];
  readonly health: string;
  readonly fingerprint: string;
  readonly status?: { readonly state?: string; readonly detail?: string };
  readonly alarm?: { readonly code: string };
}

/** What a person should know of each. */
const alarms: Readonly<Record<string, string>> = {
  KEY_CHANGED: "somebody used another key under this name",
  DOWNGRADE_REFUSED: "a session weaker than both sides support was refused",
  PAIRING_DECLINED: "while pairing it did not trust this peer in turn: ask its person, and take the trust back if it was no mistake",
};

export async function peers(call: Call): Promise<void> {
  const { peers: known } = await withPeer(call, (peer) => peer.get<{ readonly peers: readonly Peer[] }>("/peers"));
  const lines = known.map(describe);
  await call.terminal.show(lines.length === 0 ? "No peers yet. Add one with: hikyaku pair --name NAME --allow message" : lines.join("\n"), {
    peers: known,
  });
}

export interface TrustOptions {
  readonly peer: string;
  readonly name?: string;
  readonly allow?: readonly string[];
  readonly level?: string;
  readonly addresses?: readonly string[];
  readonly remove: boolean;
}

export async function trust(call: Call, { remove, ...change }: TrustOptions): Promise<void> {
  if (remove && Object.keys(change).length > 1) throw new HikyakuError("INVALID_ARGUMENT", "--remove stands alone: it forgets the peer.");
  await withPeer(call, async (peer) => {
    if (remove) {
      await peer.delete(`/peers/${segment(change.peer)}`);
      await call.terminal.show(`Forgot ${visible(change.peer)}.`, { forgotten: change.peer });
      return;
    }
    const trusted = await peer.post<Peer>("/peers", change);
    await call.terminal.show(`${describe(trusted)}\nFingerprint ${trusted.fingerprint}`, trusted);
  });
}

function describe({ name, level, scopes, health, addresses, status, alarm }: Peer): string {
  const may = scopes.length === 0 ? "" : `  may: ${scopes.join(", ")}`;
  const at = addresses.length === 0 ? "  calls only" : `  ${addresses.join(" ")}`;
  const says = status?.state === undefined ? "" : `  says: ${[status.state, status.detail].filter(Boolean).join(", ")}`;
  const warns = alarm === undefined ? "" : `  ALARM ${alarm.code}: ${alarms[alarm.code] ?? "look into it"}`;
  return visible(`${name}  ${level}  ${health}${may}${at}${says}${warns}`);
}
