/** What `hikyaku config` shows: every setting as text, with its source and the ways to change it. A secret shows only that it is set. */
import type { Config, Source } from "./config.ts";
import { formatEndpoint } from "./endpoint.ts";
import { settingNames, settingTable } from "./setting-table.ts";
import type { SettingName } from "./settings.ts";

export interface ReportedSetting {
  readonly name: SettingName;
  readonly value: string;
  readonly source: Source;
  readonly flag: string | undefined;
  readonly variable: string;
}

export function reportConfig(config: Config): readonly ReportedSetting[] {
  return settingNames.map((name) => {
    const { flag, variable } = settingTable[name];
    return { name, value: showSetting(name, config), source: config[name].source, flag, variable };
  });
}

function showSetting(name: SettingName, config: Config): string {
  const { value } = config[name];
  if (value === undefined) return "(not set)";
  if (settingTable[name].isSecret) return "(set)";
  if (typeof value === "string") return value;
  if (name === "wakeCommand") return JSON.stringify(value);
  return "host" in value ? formatEndpoint(value) : value.join(", ") || "(none)";
}
