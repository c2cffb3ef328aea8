/** Looks at every frame on the wire as a stranger could (I9): nothing of what people wrote, nothing unsealed beside the first two messages of a handshake, no byte of version 0.3. */
import type { Bytes } from "@hikyaku/protocol";
import { canaryWord } from "./ledger.ts";
import { Violation } from "./violation.ts";

const brace = 0x7b;
const canary = Buffer.from(canaryWord);

export function eavesdrop(from: string, to: string, frame: Bytes): void {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (bytes.includes(canary)) throw new Violation("I9", `a message's text is on the wire from ${from} to ${to}`);
  if (frame[0] !== brace) return;
  const text = bytes.toString("latin1");
  if (text.includes('"version":"0.3"')) throw new Violation("I9", `${from} speaks version 0.3 to ${to}`);
  if (canariesInBase64.some((encoded) => text.includes(encoded)))
    throw new Violation("I9", `a message's text is in base64 on the wire from ${from} to ${to}`);
  const isSealed = !text.includes('"encrypted":false');
  if (!isSealed && !/"msg_type":"handshake(?:_ack)?"/.test(text)) throw new Violation("I9", `${from} sends something unsealed to ${to}`);
}

/** How the canary looks in base64, wherever in a group of three bytes it begins; what depends on its neighbours is cut off. */
const canariesInBase64: readonly string[] = [0, 1, 2].map((shift) => {
  const encoded = Buffer.from(`${"?".repeat(shift)}${canaryWord}?`)
    .toString("base64")
    .replace(/=+$/, "");
  const firstWhole = Math.ceil((shift * 8) / 6);
  return encoded.slice(firstWhole, Math.floor(((shift + canaryWord.length) * 8) / 6));
});
