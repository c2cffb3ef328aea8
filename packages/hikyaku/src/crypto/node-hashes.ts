/**
 * SHA-2, HMAC and HKDF-Expand on node:crypto. The ratchet derives several secrets per message, each from a key that is used once, so key objects
 * do not pay off: two one-shot hashes cost 4 µs, `createHmac` with a fresh key object 6, with raw bytes 26 (Node 24.21).
 */
import { hash } from "node:crypto";
import { type Bytes, concatBytes } from "@hikyaku/protocol";
import { plainBytes } from "./plain-bytes.ts";

const blockBytes = 64;
const hashBytes = 32;

export function sha256(data: Bytes): Bytes {
  return plainBytes(hash("sha256", data, "buffer"));
}

export function sha512(data: Bytes): Bytes {
  return plainBytes(hash("sha512", data, "buffer"));
}

/** HMAC by its definition: H((K ⊕ opad) ‖ H((K ⊕ ipad) ‖ data)), RFC 2104 §2. */
export function hmacSha256(key: Bytes, data: Bytes): Bytes {
  const blockKey = key.length > blockBytes ? sha256(key) : key;
  return hashPadded(blockKey, 0x5c, hashPadded(blockKey, 0x36, data));
}

function hashPadded(blockKey: Bytes, pad: number, data: Bytes): Bytes {
  const block = Buffer.allocUnsafe(blockBytes + data.length);
  block.fill(pad, 0, blockBytes);
  for (let index = 0; index < blockKey.length; index += 1) block[index] = pad ^ (blockKey[index] ?? 0);
  block.set(data, blockBytes);
  const digest = sha256(block);
  // The block lies in memory that Node hands out again without clearing it.
  block.fill(0);
  return digest;
}

/** HKDF-Expand, RFC 5869 §2.3. node:crypto only has it together with Extract. */
export function expand(secret: Bytes, info: Bytes, length: number): Bytes {
  // Shorter secrets are no output of Extract; noble refuses them as well.
  if (secret.length < hashBytes) throw new RangeError(`HKDF-Expand wants a secret of at least ${hashBytes} bytes, not ${secret.length}`);
  if (length > 255 * hashBytes) throw new RangeError(`HKDF-Expand yields at most ${255 * hashBytes} bytes, not ${length}`);
  const output = new Uint8Array(length);
  let previous: Bytes = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += hashBytes, counter += 1) {
    previous = hmacSha256(secret, concatBytes(previous, info, Uint8Array.of(counter)));
    output.set(previous.subarray(0, length - offset), offset);
  }
  return output;
}
