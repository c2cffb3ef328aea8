/** A peer that commands can reach: what `hikyaku up` keeps running. */
import { type Log, type Peer, systemClock, type Wake } from "@hikyaku/peer";
import { startControlServer } from "./api/control-server.ts";
import { commandEnvironment } from "./config/command-environment.ts";
import type { Config } from "./config/config.ts";
import { type Endpoint, formatEndpoint } from "./config/endpoint.ts";
import { type StartedPeer, startPeer } from "./create-peer.ts";
import { removeControlRecord, writeControlRecord } from "./keystore/control-record.ts";
import { isSameToken, newControlToken } from "./keystore/control-token.ts";
import { openKeystore } from "./keystore/keystore.ts";
import { passphraseOf } from "./keystore/passphrase.ts";
import { wakeCommand } from "./wake/wake-command.ts";
import { wakeHook } from "./wake/wake-hook.ts";

export interface RunningPeer extends AsyncDisposable {
  readonly peer: Peer;
  /** Where commands go: `host:port`. */
  readonly control: string;
}

/** Opens the key, starts the peer, and opens the control interface. What was started is stopped again where a later step fails. */
export async function startRunningPeer(config: Config, log: Log): Promise<RunningPeer> {
  const folder = config.folder.value;
  const keystore = await openKeystore(folder, { passphrase: await passphraseOf(config) });
  await using started = new AsyncDisposableStack();
  const opened = await startPeer(keystore, {
    folder,
    listen: config.listen.value,
    advertise: config.advertise.value,
    firstContact: config.firstContact.value,
    wake: wakeOf(config, log),
    log,
  });
  started.use(opened.peer);
  const control = await openControl(opened, config, { log, started });
  const running = started.move();
  return { peer: opened.peer, control: formatEndpoint(control), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What the owner chose for being woken up by. */
function wakeOf({ wakeCommand: command, wakeUrl: url, folder }: Config, log: Log): Wake | undefined {
  if (url.value !== undefined) return wakeHook({ url: url.value, log });
  if (command.value === undefined) return undefined;
  return wakeCommand({ command: command.value, folder: folder.value, environment: commandEnvironment(), log });
}

interface ControlNeeds {
  readonly log: Log;
  readonly started: AsyncDisposableStack;
}

async function openControl({ peer, agents }: StartedPeer, config: Config, { log, started }: ControlNeeds): Promise<Endpoint> {
  const folder = config.folder.value;
  const token = newControlToken();
  const listen = config.control.value;
  const server = started.use(
    await startControlServer(peer, {
      listen,
      name: config.name.value,
      isToken: (offered) => isSameToken(offered, token),
      agents: { ...agents, clock: systemClock },
      log,
    }),
  );
  const address = { host: listen.host, port: server.port };
  await writeControlRecord(folder, { pid: process.pid, address, token });
  started.defer(() => removeControlRecord(folder));
  return address;
}
