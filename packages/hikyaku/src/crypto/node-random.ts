import { randomBytes } from "node:crypto";
import type { Bytes } from "@hikyaku/protocol";

/** Dice from the system's cryptographic generator. */
export const nodeRandom: { bytes(length: number): Bytes } = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
