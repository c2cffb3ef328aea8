/** The program of the peers in one file, made of the sources: it starts in a fraction of the time that it takes to strip and resolve a hundred files. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const entry = fileURLToPath(new URL("./peer-program.ts", import.meta.url));

export async function writeProgram(outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@hikyaku/source"],
    // Some dependencies are CommonJS and require what the platform has.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "silent",
  });
}
