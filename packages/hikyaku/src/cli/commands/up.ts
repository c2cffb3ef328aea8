/** `hikyaku up`: keeps a peer running until it is told to stop. */
import { startRunningPeer } from "../../running-peer.ts";
import type { Call } from "../call.ts";
import { pinoLog } from "../pino-log.ts";
import { awaitStop } from "../stop.ts";

export async function up({ config, terminal }: Call): Promise<void> {
  using stop = awaitStop();
  await using running = await startRunningPeer(config, pinoLog(config.logLevel.value));
  const { peer, control } = running;
  const name = config.name.value;
  const facts = { name, did: peer.did, fingerprint: peer.fingerprint, addresses: peer.addresses, control, pid: process.pid };
  await terminal.show(`${name} is up: ${peer.addresses.join(" ")}   control ${control}`, facts);
  if (peer.peers().length === 0) await terminal.say("No peers yet. In another terminal: hikyaku pair --name NAME --allow message");
  await stop.asked;
  // Where the terminal has gone, that is no reason to stop otherwise than cleanly.
  await terminal.say("Stopping.").catch(() => undefined);
}
