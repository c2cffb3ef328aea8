/**
 * The one place where flags, environment, file and defaults become settings, in this order of precedence; nothing else reads the environment.
 * Every value keeps its source, so that `hikyaku config` can say why a peer behaves as it does.
 */
import { join, resolve } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";
import { configFileName, type FileSettings, readConfigFile } from "./config-file.ts";
import { settingTable } from "./setting-table.ts";
import { defaultSettings, type SettingName, type Settings } from "./settings.ts";

export type Source = "flag" | "environment" | "file" | "default";

interface Sourced<Value> {
  readonly value: Value;
  readonly source: Source;
}

export type Config = { readonly [Name in SettingName]: Sourced<Settings[Name]> };

/** What a command line or an embedding program says: texts as a person would type them. */
export type Flags = { readonly [Name in Exclude<SettingName, "passphrase" | "wakeUrl">]?: string | readonly string[] | undefined };

export interface ConfigSources {
  readonly flags?: Flags;
  /** The process's own where it is left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Rejects with INVALID_ARGUMENT, naming the setting and where it was set. */
export async function resolveConfig({ flags = {}, environment = process.env }: ConfigSources): Promise<Config> {
  const defaults = defaultSettings();
  const chosen = pick("folder", { flags, environment, defaults, file: {}, path: "" });
  const folder = resolve(chosen.value);
  const path = join(folder, configFileName);
  const given: Given = { flags, environment, defaults, file: await readConfigFile(path), path };
  const config: Config = {
    folder: { ...chosen, value: folder },
    name: pick("name", given),
    listen: pick("listen", given),
    control: pick("control", given),
    advertise: pick("advertise", given),
    firstContact: pick("firstContact", given),
    logLevel: pick("logLevel", given),
    passphraseFile: absolute(pick("passphraseFile", given), folder),
    passphrase: pick("passphrase", given),
    wakeCommand: pick("wakeCommand", given),
    wakeUrl: pick("wakeUrl", given),
  };
  if (config.wakeCommand.value === undefined || config.wakeUrl.value === undefined) return config;
  throw new HikyakuError("INVALID_ARGUMENT", "Both wakeCommand and wakeUrl are set, and one of them wakes an agent up: remove the other.");
}

const shownLengthMax = 100;

interface Given {
  readonly flags: Flags & { readonly passphrase?: never; readonly wakeUrl?: never };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: FileSettings;
  /** Where the file's settings stand. */
  readonly path: string;
  readonly defaults: Settings;
}

function pick<Name extends SettingName>(name: Name, { flags, environment, file, path, defaults }: Given): Sourced<Settings[Name]> {
  const { flag, variable } = settingTable[name];
  if (flags[name] !== undefined) return read(name, flags[name], { source: "flag", label: flag ?? name });
  // An empty variable is how a shell spells "not set".
  if (environment[variable]) return read(name, environment[variable], { source: "environment", label: variable });
  if (file[name] !== undefined) return read(name, file[name], { source: "file", label: `${name} in ${path}` });
  return { value: defaults[name], source: "default" };
}

interface Place {
  readonly source: Source;
  readonly label: string;
}

function read<Name extends SettingName>(name: Name, given: unknown, { source, label }: Place): Sourced<Settings[Name]> {
  const { schema, wants, isSecret } = settingTable[name];
  const parsed = schema.safeParse(given);
  if (parsed.success) return { value: parsed.data, source };
  const found = isSecret ? "something else" : (JSON.stringify(given) ?? typeof given).slice(0, shownLengthMax);
  throw new HikyakuError("INVALID_ARGUMENT", `${label} wants ${wants}; found ${found}.`, { cause: parsed.error });
}

/** A path in the file is meant from the file's folder, any other from where the command was typed. */
function absolute({ value, source }: Sourced<string | undefined>, folder: string): Sourced<string | undefined> {
  return { value: value === undefined ? undefined : resolve(source === "file" ? folder : "", value), source };
}
