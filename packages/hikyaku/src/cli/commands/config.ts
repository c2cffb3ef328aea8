/** `hikyaku config`: every setting, its value, and where that came from. */
import { reportConfig } from "../../config/config-report.ts";
import { visible } from "../../text/visible.ts";
import type { Call } from "../call.ts";

export async function config({ config: settings, terminal }: Call): Promise<void> {
  const rows = reportConfig(settings);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ name, value, source, flag, variable }) => `${name.padEnd(width)}  ${visible(value)}  (${source}; ${flag ?? "no flag"}, ${variable})`,
  );
  await terminal.show(lines.join("\n"), { settings: rows });
}
