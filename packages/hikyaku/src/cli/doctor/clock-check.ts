/**
 * Whether this machine's clock agrees with those of its peers: a handshake across more than five minutes is refused. The comparison is a hint, since the
 * answer's date carries no signature.
 */
import { limits } from "@hikyaku/protocol";
import { bad, type Finding, good, skipped } from "./finding.ts";
import { askHealth, questionMsMax } from "./health-question.ts";
import { inParallel } from "./in-parallel.ts";

/** A peer, with those of its addresses that a person gave: what a peer announced is dialled by the peer's own rules only (spec TRUST-6). */
export interface ClockPeer {
  readonly name: string;
  readonly givenAddresses: readonly string[];
}

interface Told {
  readonly name: string;
  readonly aheadMs: number;
}

const name = "clock";

export async function checkClock(peers: readonly ClockPeer[]): Promise<Finding> {
  const told = (await inParallel(peers, askTime)).filter((one) => one !== undefined);
  if (told.length === 0)
    return skipped(name, "No peer with an address that a person gave tells its time, so there is nothing to compare with.");
  const wrong = told.filter(({ aheadMs }) => Math.abs(aheadMs) > limits.clockSkewMsMax);
  if (wrong.length === 0) return good(name, `It agrees with ${told.map((one) => one.name).join(", ")}.`);
  return bad(
    name,
    `It is ${wrong.map(difference).join(", and ")}; more than ${limits.clockSkewMsMax / 1000} s are refused.`,
    "Set this machine's clock by the network's time; if it is right, ask the other side to set theirs. This is a hint: the date that was compared is not signed.",
  );
}

const difference = ({ name: peer, aheadMs }: Told): string =>
  `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? "behind" : "ahead of"} the clock of ${peer}`;

async function askTime({ name: peer, givenAddresses }: ClockPeer): Promise<Told | undefined> {
  const signal = AbortSignal.timeout(questionMsMax);
  for (const address of givenAddresses) {
    const aheadMs = (await askHealth(address, signal))?.aheadMs;
    if (aheadMs !== undefined) return { name: peer, aheadMs };
  }
  return undefined;
}
