/** `hikyaku dead`: messages that will not arrive by themselves any more, and what to do with each. */
import { HikyakuError } from "@hikyaku/protocol";
import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import { shortTime } from "../terminal.ts";

interface DeadLetter {
  readonly id: string;
  readonly to: string;
  readonly type: string;
  readonly stage: string;
  readonly sentAt: number;
  readonly reason?: string;
}

export interface DeadOptions {
  readonly action: "retry" | "drop" | undefined;
  readonly id: string | undefined;
  readonly limit: number;
}

export async function dead(call: Call, { action, id, limit }: DeadOptions): Promise<void> {
  if (action === undefined) return await list(call, limit);
  if (id === undefined)
    throw new HikyakuError("INVALID_ARGUMENT", `Which message? hikyaku dead lists their ids; then hikyaku dead ${action} ID.`);
  await withPeer(call, async (peer) => {
    if (action === "drop") {
      await peer.delete(`/dead/${segment(id)}`);
      return await call.terminal.show(`Dropped ${visible(id)}.`, { dropped: id });
    }
    const retried = await peer.post<{ readonly id: string }>(`/dead/${segment(id)}/retry`, {});
    await call.terminal.show(`${retried.id}  queued anew in place of ${visible(id)}`, { id: retried.id, insteadOf: id });
  });
}

async function list(call: Call, limit: number): Promise<void> {
  await withPeer(call, async (peer) => {
    const { messages } = await peer.get<{ readonly messages: readonly DeadLetter[] }>(`/dead?limit=${limit}`);
    const { peers } = await peer.get<{ readonly peers: readonly { readonly did: string; readonly name: string }[] }>("/peers");
    const names = new Map(peers.map(({ did, name }) => [did, name]));
    const lines = messages.map(
      ({ id, to, type, stage, sentAt, reason }) =>
        `${id}  ${shortTime(sentAt)}  ${type} to ${names.get(to) ?? to}  ${stage}${reason === undefined ? "" : ` (${reason})`}`,
    );
    const wayOut = "Each: hikyaku explain ID, hikyaku dead retry ID, or hikyaku dead drop ID";
    await call.terminal.show(messages.length === 0 ? "No dead letters." : [...lines, wayOut].map(visible).join("\n"), { messages });
  });
}
