/** How much an agent says: the bytes of a value as JSON. Throws INVALID_ARGUMENT where it is nested too deeply to be written. */
import { HikyakuError } from "@hikyaku/protocol";

export function saidBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? "");
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", "What was said is nested too deeply.", { cause: error });
  }
}
