import { type Bytes, encodeHex } from "../base/bytes.ts";

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Lowercase UUIDv7 only. */
export const isMessageId = (text: string): boolean => pattern.test(text);

/** A UUIDv7 (RFC 9562 §5.7) from milliseconds since 1970 and ten random bytes. */
export function newMessageId(now: number, dice: Bytes): string {
  const time = now.toString(16).padStart(12, "0");
  const random = encodeHex(dice);
  const variant = (0x8 | (Number.parseInt(random[3] ?? "0", 16) & 0x3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}

/** A UUIDv4 (RFC 9562 §5.4) from sixteen random bytes. */
export function newSessionId(dice: Bytes): string {
  const hex = encodeHex(dice);
  const variant = (0x8 | (Number.parseInt(hex[16] ?? "0", 16) & 0x3)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
