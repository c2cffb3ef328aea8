/** For programs that do not want to hear anything. */
import type { Log } from "../ports/log.ts";

export const silentLog: Log = { write: () => undefined };
