/** Whether the peer is up: whether its control interface answers to the folder's token. */
import type { Config } from "../../config/config.ts";
import { ControlClient } from "../control-client.ts";
import { type Finding, good, refusal } from "./finding.ts";

export interface Running {
  readonly finding: Finding;
  /** Present where it is up; whoever asked closes it. */
  readonly peer?: ControlClient;
}

/** Longer than any question of the doctor's that the peer hands on to others. */
const answerMsMaxDefault = 5_000;

export async function checkRunning(
  config: Config,
  { connections, answerMsMax = answerMsMaxDefault }: { readonly connections: number; readonly answerMsMax?: number },
): Promise<Running> {
  let peer: ControlClient | undefined;
  try {
    peer = await ControlClient.connect(config, { connections, answerMsMax });
    const { peers } = await peer.get<{ readonly peers: number }>("/health");
    return { peer, finding: good("running", `The peer is up and knows ${peers === 1 ? "1 peer" : `${peers} peers`}.`) };
  } catch (error) {
    await peer?.close();
    return { finding: refusal("running", error) };
  }
}
