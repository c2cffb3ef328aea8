/** The settings of one peer and their defaults. How a text becomes such a value stands in setting-table.ts, which source wins in config.ts. */
import { hostname } from "node:os";
import envPaths from "env-paths";
import type { Endpoint } from "./endpoint.ts";
import { nameFromHost } from "./own-name.ts";

type FirstContact = "refuse" | "see";
type LogThreshold = "debug" | "info" | "warn" | "error" | "silent";

export interface Settings {
  /** Where key, database and config.json live; an absolute path. */
  readonly folder: string;
  /** What this peer proposes to be called. */
  readonly name: string;
  readonly listen: Endpoint;
  /** Always a loopback host (spec §13). */
  readonly control: Endpoint;
  /** Addresses to hand out, `http://host:port`, in place of the ones found on this machine. */
  readonly advertise: readonly string[];
  /** Whether an unknown peer is turned away or pinned as `seen` (spec §12). */
  readonly firstContact: FirstContact;
  readonly logLevel: LogThreshold;
  /** A file that holds the passphrase of the key; an absolute path. */
  readonly passphraseFile: string | undefined;
  /** The passphrase itself; wins over the file. From the environment only: flags show in process lists, and config.json is no place for secrets. */
  readonly passphrase: string | undefined;
  /** The program that wakes this peer's agent up, and its arguments; it runs in the folder. */
  readonly wakeCommand: readonly string[] | undefined;
  /** Where a POST wakes it up, in place of a program. Such an address is often its own password, so it is shown nowhere. */
  readonly wakeUrl: string | undefined;
}

export type SettingName = keyof Settings;

export const defaultSettings = (): Settings => ({
  folder: envPaths("hikyaku", { suffix: "" }).data,
  name: nameFromHost(hostname()),
  listen: { host: "0.0.0.0", port: 7340 },
  control: { host: "127.0.0.1", port: 7341 },
  advertise: [],
  firstContact: "refuse",
  logLevel: "warn",
  passphraseFile: undefined,
  passphrase: undefined,
  wakeCommand: undefined,
  wakeUrl: undefined,
});
