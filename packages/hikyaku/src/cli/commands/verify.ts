/** `hikyaku verify`: what two people read to each other to know that nobody stands between their peers. It only shows; nothing is asked or changed. */

import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";

interface Verifiable {
  readonly did: string;
  readonly name: string;
  readonly level: string;
  readonly fingerprint: string;
  readonly safetyNumber: string;
}

export async function verify(call: Call, reference: string): Promise<void> {
  const found = await withPeer(call, (peer) => peer.get<Verifiable>(`/peers/${segment(reference)}`));
  const { did, name, level, fingerprint, safetyNumber } = found;
  const lines = [
    visible(`${name}  ${level}`),
    visible(did),
    `Fingerprint ${fingerprint}`,
    `Safety number: ${safetyNumber}`,
    "Compare it with what `hikyaku verify` shows on their screen: if it differs, somebody stands between you.",
  ];
  await call.terminal.show(lines.join("\n"), { name, did, level, fingerprint, safetyNumber });
}
