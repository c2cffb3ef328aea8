/** `hikyaku up`: keeps a peer running until it is told to stop. */
import { startRunningPeer } from "../../running-peer.ts";
import type { Call } from "../call.ts";
import { exitInterrupted } from "../exit-code.ts";
import { pinoLog } from "../pino-log.ts";

export async function up({ config, terminal }: Call): Promise<void> {
  const stopped = stopSignal();
  await using running = await startRunningPeer(config, pinoLog(config.logLevel.value));
  const { peer, control } = running;
  const name = config.name.value;
  const facts = { name, did: peer.did, fingerprint: peer.fingerprint, addresses: peer.addresses, control, pid: process.pid };
  await terminal.show(`${name} is up: ${peer.addresses.join(" ")}   control ${control}`, facts);
  if (peer.peers().length === 0) await terminal.say("No peers yet. In another terminal: hikyaku pair");
  await stopped;
  // Where the terminal has gone, that is no reason to stop otherwise than cleanly.
  await terminal.say("Stopping.").catch(() => undefined);
}

/** Resolves on the first SIGINT or SIGTERM; a second one ends the process at once, whatever is still in work. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const stop = (): void => {
    if (isAsked) process.exit(exitInterrupted);
    isAsked = true;
    resolve();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return promise;
}
