/**
 * One of the two peers: sends numbered messages when it is told to, handles those of the other, and survives being killed at any moment. What it has sent it does not
 * guess: it calls `send` in the order of the numbers, and the outbox gives the orders 1, 2, 3, … to what has become durable, so the last order is the last number.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createPeer, type Incoming } from "hikyaku";
import { Journal } from "./journal.ts";
import { live } from "./life.ts";
import { database, handlings, type Sending, sendings, type View } from "./words.ts";

const [folder = "", listen = ""] = process.argv.slice(2);

const sent = new Journal(join(folder, sendings));
const handled = new Journal(join(folder, handlings));
const peer = await createPeer({ folder, listen });
/** A reader beside the peer's own connection, in the same process: it is gone with it. */
const outbox = new DatabaseSync(join(folder, database), { readOnly: true });
const viewed = outbox.prepare(`SELECT
  (SELECT coalesce(max(last_normal), 0) FROM outbox_recipients) AS durable,
  (SELECT count(*) FROM outbox WHERE stage = 0) AS silent,
  (SELECT count FROM outbox_totals) AS open`);
const view = (): View => ({ ...(viewed.get() as unknown as View) });

let called = view().durable;

function handle({ id, body }: Incoming): void {
  const { n } = (body as { readonly json: { readonly n: number } }).json;
  handled.note(`start ${id} ${n}`);
  handled.keep(`end ${id}`);
}

function sendUpTo(upTo: number): void {
  if (upTo <= called) return;
  sent.note(`about ${called + 1} ${upTo}`);
  while (called < upTo) {
    called += 1;
    void send(called);
  }
}

async function send(n: number): Promise<void> {
  try {
    const { id } = await peer.send("other", "message", { json: { n } });
    sent.note(`sent ${n} ${id}`);
  } catch (error) {
    // The other side was killed while it handled this one: that is an end as well, and the judge looks for it.
    if ((error as { readonly code?: string }).code !== "INTERRUPTED") life.failed(error);
  }
}

peer.on("message", handle);
const life = live<Sending, View>(peer, { allow: ["message"], obey: ({ upTo }) => sendUpTo(upTo), view });
