/** Where events go. Fields hold identifiers, numbers and codes: never plaintext, tokens or keys (spec KEY-6). */

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  /** One event, one line. `event` is a fixed name such as `session.established`; whatever varies is a field. Never throws. */
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}
