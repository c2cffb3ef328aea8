/** What both rows of P2 measure: messages of 1 KiB one way, each in an envelope of its own, nothing of it durable. The next goes when the one before is on its way. */
import type { Effort } from "../effort.ts";
import type { Floors } from "../floor/floors.ts";
import { medianOf } from "../measure.ts";
import { type Company, TwoPeers } from "../process/two-peers.ts";

const textLength = 1024;

/** Microseconds for each message, until the recipient's handler had the last. */
export async function oneWayUs(effort: Effort, company: Company): Promise<number> {
  await using peers = await TwoPeers.start(company);
  await peers.listen("countWithCredit");
  return await medianOf(effort, () => peers.speak("tellApart", { textLength, forMs: effort.roundMs }));
}

/** What the side costs that has more to do: signing and sealing, or verifying and opening. */
export const sideUs = ({ signUs, verifyUs, aesGcmUs }: Floors): number => Math.max(signUs, verifyUs) + aesGcmUs.kib1;
