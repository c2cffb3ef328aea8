/** How the local MCP server of the tests is started. */
import { fileURLToPath } from "node:url";

export const toolServerCommand = (...flags: readonly string[]): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL("./tool-server-program.ts", import.meta.url)),
  ...flags,
];
