/** Programs of the proofs in a file or two, made of the sources: they start in a fraction of the time that it takes to strip and resolve a hundred files. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export type ProgramName = "peer-program" | "requester-program" | "worker-program";

/** Resolves with where each is. */
export async function writePrograms<Name extends ProgramName>(
  names: readonly Name[],
  folder: string,
): Promise<Readonly<Record<Name, string>>> {
  await build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    conditions: ["@hikyaku/source"],
    // Some dependencies are CommonJS and require what the platform has.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "silent",
  });
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.mjs`)])) as Record<Name, string>;
}
