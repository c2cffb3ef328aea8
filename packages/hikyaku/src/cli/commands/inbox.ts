/** `hikyaku inbox`: what arrived. Showing a new message marks it as read, or as done, and tells its sender so. */

import { visible } from "../../text/visible.ts";
import { type Call, withPeer } from "../call.ts";

interface Message {
  readonly id: string;
  readonly from: string;
  readonly receivedAt: number;
  readonly stage: string;
  readonly position: number;
  readonly sender: { readonly name: string; readonly trust: string };
  readonly body: { readonly text?: string; readonly json?: unknown };
}

export interface InboxOptions {
  readonly from: string | undefined;
  /** Also what was read before. */
  readonly all: boolean;
  /** Leaves new messages new. */
  readonly peek: boolean;
  /** Tells senders that their messages are done with, not only read. */
  readonly done: boolean;
  readonly limit: number;
}

export async function inbox(call: Call, { from, all, peek, done, limit }: InboxOptions): Promise<void> {
  const query = new URLSearchParams({ limit: String(limit), ...(all ? {} : { unread: "true" }), ...(from === undefined ? {} : { from }) });
  await withPeer(call, async (peer) => {
    const { messages } = await peer.get<{ readonly messages: readonly Message[] }>(`/inbox?${query.toString()}`);
    const empty = all ? "No messages." : "No new messages. Older ones: hikyaku inbox --all";
    await call.terminal.show(messages.length === 0 ? empty : messages.map(line).join("\n"), { messages });
    const news = messages.filter(({ stage }) => stage === "stored" || (done && stage === "delivered"));
    const fresh = news.map(({ from: sender, id }) => ({ from: sender, id }));
    if (!peek && fresh.length > 0) await peer.post(done ? "/inbox/handled" : "/inbox/read", { messages: fresh });
  });
}

function line({ receivedAt, sender, body }: Message): string {
  const time = new Date(receivedAt).toTimeString().slice(0, 8);
  return `${time}  ${visible(`${sender.name} (${sender.trust})  ${body.text ?? JSON.stringify(body.json)}`)}`;
}
