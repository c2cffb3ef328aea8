/** `hikyaku up`: keeps a peer running until it is told to stop. */
import { startRunningPeer } from "../../running-peer.ts";
import type { Call } from "../call.ts";
import { exitInterrupted } from "../exit-code.ts";
import { pinoLog } from "../pino-log.ts";

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

interface Stop extends Disposable {
  /** Resolves on the first SIGINT or SIGTERM. */
  readonly asked: Promise<void>;
}

/** A second signal ends the process at once, whatever is still in work. */
function awaitStop(): Stop {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const stop = (): void => {
    if (isAsked) process.exit(exitInterrupted);
    isAsked = true;
    resolve();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  const ignore = (): void => signals.forEach((signal) => process.off(signal, stop));
  return { asked: promise, [Symbol.dispose]: ignore };
}
