/** Dice from the platform's cryptographic generator. */
import type { Random } from "../ports/random.ts";

/** Refuses more than 64 KiB at once, as Web Crypto does: nobody here needs so many. */
export const webRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };
