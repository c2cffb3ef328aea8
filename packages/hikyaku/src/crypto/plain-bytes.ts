/** What node:crypto hands out are Buffers, whose `slice` is a view where that of Bytes is a copy, and which may lie in memory shared with others. */
import type { Bytes } from "@hikyaku/protocol";

/** A copy in memory of its own. */
export function plainBytes(buffer: Uint8Array): Bytes {
  return new Uint8Array(buffer);
}
