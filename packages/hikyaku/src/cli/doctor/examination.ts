/** All checks of `hikyaku doctor`, in the order in which a peer comes up; what cannot be checked because of an earlier finding says so. */
import type { Config, Flags } from "../../config/config.ts";
import { segment } from "../call.ts";
import type { ControlClient } from "../control-client.ts";
import { type ClockPeer, checkClock } from "./clock-check.ts";
import { checkDisk } from "./disk-check.ts";
import { type Finding, skipped } from "./finding.ts";
import { checkFolder } from "./folder-check.ts";
import { atOnceMax, inParallel } from "./in-parallel.ts";
import { checkKey } from "./key-check.ts";
import { checkListener } from "./listener-check.ts";
import { checkNode } from "./node-check.ts";
import { checkPort } from "./port-check.ts";
import { checkProgram } from "./program-check.ts";
import { checkReach, type ReachPeer } from "./reach-check.ts";
import { checkRunning } from "./running-check.ts";
import { checkSettings } from "./settings-check.ts";

/** Bounds how long the examination of somebody with many peers takes. */
const peersMax = 64;

export async function* examine(flags: Flags): AsyncGenerator<Finding> {
  yield checkNode();
  yield checkProgram();
  const { finding, config } = await checkSettings(flags);
  yield finding;
  if (config === undefined) {
    for (const name of ["folder", "key", "disk", "running", "listen", "control", "clock", "peers"])
      yield skipped(name, "The settings come first.");
    return;
  }
  yield* examineFolder(config.folder.value);
  const running = await checkRunning(config, { connections: atOnceMax });
  yield running.finding;
  if (running.peer === undefined) {
    yield* examineStopped(config);
    return;
  }
  try {
    yield* examineRunning(running.peer, config);
  } finally {
    await running.peer.close();
  }
}

async function* examineFolder(folder: string): AsyncGenerator<Finding> {
  const found = await checkFolder(folder);
  yield found;
  yield found.verdict === "bad" ? skipped("key", "The folder comes first.") : await checkKey(folder);
  yield await checkDisk(folder);
}

async function* examineStopped({ listen, control }: Config): AsyncGenerator<Finding> {
  yield await checkPort("listen", listen.value);
  yield await checkPort("control", control.value);
  for (const name of ["clock", "peers"]) yield skipped(name, "Only a peer that is up knows its peers.");
}

async function* examineRunning(running: ControlClient, { listen }: Config): AsyncGenerator<Finding> {
  const { addresses } = await running.get<{ readonly addresses: readonly string[] }>("/identity");
  yield await checkListener(addresses, listen.value);
  const { peers } = await running.get<{ readonly peers: readonly ReachPeer[] }>("/peers");
  const examined = peers.slice(0, peersMax);
  const dialled = examined.filter(({ level }) => level !== "blocked");
  yield await checkClock(await inParallel(dialled, ({ did }) => running.get<ClockPeer>(`/peers/${segment(did)}`)));
  yield* await inParallel(examined, (peer) => checkReach(running, peer));
  if (peers.length > peersMax)
    yield skipped("peers", `${peers.length - peersMax} more are pinned, and ${peersMax} at a time are examined.`);
}
