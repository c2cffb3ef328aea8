/** The program `hikyaku`, run from its sources: Node strips the types, and the compile cache saves most of that from the second run on. */
import { fileURLToPath } from "node:url";
import { Program } from "./program.ts";

const pathTo = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const hikyaku: Program = new Program({
  command: process.execPath,
  prefix: ["--conditions=@hikyaku/source", pathTo("../../../hikyaku/src/cli/main.ts")],
  // Nothing of the user's: no settings, and a home where nothing is.
  env: {
    PATH: process.env["PATH"] ?? "",
    HOME: "/nonexistent",
    TZ: "UTC",
    NODE_COMPILE_CACHE: pathTo("../../../../node_modules/.cache/hikyaku"),
  },
});
