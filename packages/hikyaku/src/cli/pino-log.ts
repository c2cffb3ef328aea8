/** The Log port on pino: one line of JSON an event, on standard error, with control characters escaped by JSON itself. */
import type { Log } from "@hikyaku/peer";
import { pino } from "pino";

export function pinoLog(level: "debug" | "info" | "warn" | "error" | "silent"): Log {
  // Synchronous, so that the last line before a crash is there.
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
  return { write: (lineLevel, event, fields = {}) => logger[lineLevel]({ ...fields, event }) };
}
