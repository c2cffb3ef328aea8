/**
 * The notation of spec §3 as functions: L(s), LP(x), Extract, XL and Z. Every secret of the protocol comes out of these, each under a label of its
 * own; which labels there are stands with the handshake and the session.
 */
import { type Bytes, concatBytes, u16be, u32be } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import type { Crypto } from "./port.ts";

const labelPrefix = "pcp1 ";

/** Z of spec §3. */
export const zeroes32: Bytes = new Uint8Array(32);

/** L(s) = ASCII s ‖ 0x00: the terminator keeps one label from being the beginning of another. */
export function label(text: string): Bytes {
  return encodeUtf8(`${text}\0`);
}

/** LP(x) = u32be(length) ‖ x. */
export function lengthPrefixed(bytes: Bytes): Bytes {
  return concatBytes(u32be(bytes.length), bytes);
}

/** Extract(salt, ikm) of RFC 5869 §2.2. */
export function extract(crypto: Crypto, salt: Bytes, inputKey: Bytes): Bytes {
  return crypto.hmacSha256(salt, inputKey);
}

/** XL(secret, label, ctx, n) of spec §3, CRY-4: HKDF-Expand with the TLS 1.3 shape of info (RFC 8446 §7.1). */
export function expandLabel(crypto: Crypto, secret: Bytes, name: string, context: Bytes, length: number): Bytes {
  return crypto.expand(secret, concatBytes(infoHead(name, length), shortPrefixed(context)), length);
}

/** By label and length, of which there are as many as the code names. */
const infoHeads = new Map<string, Bytes>();

/** What stands before the context. The ratchet asks for the same three with every message. */
function infoHead(name: string, length: number): Bytes {
  const key = `${length} ${name}`;
  const known = infoHeads.get(key);
  if (known !== undefined) return known;
  const head = concatBytes(u16be(length), shortPrefixed(encodeUtf8(labelPrefix + name)));
  infoHeads.set(key, head);
  return head;
}

/** u8(length) ‖ x. Labels and contexts are ours, so one that is too long is a mistake of ours. */
function shortPrefixed(bytes: Bytes): Bytes {
  if (bytes.length > 255) throw new RangeError(`a label or context has at most 255 bytes, not ${bytes.length}`);
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}
