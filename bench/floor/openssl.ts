/** A second opinion: the command `openssl speed`, which shares no code with the bench. Its library is the system's, Node's is Node's own, so a third is allowed between them. */
import { spawnSync } from "node:child_process";
import type { SignatureFloors } from "./signatures.ts";

const speedMsMax = 20_000;

/** The floors that `openssl` finds, or undefined where it is not installed or says something else. */
export function askOpenssl(seconds: number): SignatureFloors | undefined {
  const { status, stdout } = spawnSync("openssl", ["speed", "-seconds", String(seconds), "-mr", "ed25519"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: speedMsMax,
  });
  return status === 0 ? readSpeed(stdout) : undefined;
}

/** `+F6:0:253:Ed25519:` and then how many signatures and how many verifications a second. */
export function readSpeed(text: string): SignatureFloors | undefined {
  const [, signs, verifies] = /^\+F\d+:\d+:\d+:Ed25519:([\d.]+):([\d.]+)/m.exec(text) ?? [];
  if (signs === undefined || verifies === undefined) return undefined;
  return { signUs: 1e6 / Number(signs), verifyUs: 1e6 / Number(verifies) };
}

/** Whether both floors lie within 30 % of the other opinion. */
export const agrees = (ours: SignatureFloors, theirs: SignatureFloors): boolean =>
  isNear(ours.signUs, theirs.signUs) && isNear(ours.verifyUs, theirs.verifyUs);

const isNear = (one: number, other: number): boolean => Math.abs(one / other - 1) <= 0.3;
