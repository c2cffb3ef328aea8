/** Whether flags, environment and config.json make settings. */
import { type Config, type Flags, resolveConfig } from "../../config/config.ts";
import { type Finding, good, refusal } from "./finding.ts";

export interface ReadSettings {
  readonly finding: Finding;
  /** Absent where they make none. */
  readonly config?: Config;
}

export async function checkSettings(flags: Flags): Promise<ReadSettings> {
  try {
    const config = await resolveConfig({ flags });
    return { config, finding: good("settings", `Flags, environment and ${config.folder.value}/config.json are in order.`) };
  } catch (error) {
    return { finding: refusal("settings", error) };
  }
}
