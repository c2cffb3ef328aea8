/** A worker of the pool: `node worker.ts <folder> <the boss's invitation>`. Started again on the same folder, it goes on where it was. */
import { setTimeout as pause } from "node:timers/promises";
import { createPeer } from "hikyaku";

const [folder = "", invitation = ""] = process.argv.slice(2);
const workMs = 150;

const peer = await createPeer({ folder, listen: "127.0.0.1:0" });
if (peer.peers().length === 0) await peer.accept(invitation, { name: "boss", allow: ["task_delegate"] });

// Squaring twice does no harm, so what a crash cuts short is run again.
await peer.capability<number, number>("square", { idempotent: true, concurrency: 2 }, async ({ input }, { signal }) => {
  await pause(workMs, undefined, { signal });
  return input ** 2;
});

process.send?.("ready");
process.once("disconnect", () => void peer.close());
