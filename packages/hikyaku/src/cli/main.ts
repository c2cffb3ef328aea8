#!/usr/bin/env node
/** The program. An older Node could not even load the rest, so the version is judged first, in words that any Node understands. */
const wanted = [24, 15] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  process.stderr.write(
    `hikyaku: Node ${wanted.join(".")} or newer is needed and this is ${process.versions.node}. Install a newer Node from nodejs.org or your system's packages.\n`,
  );
  process.exitCode = 1;
} else {
  // Who writes to a pipe that nobody reads is told by the write itself.
  process.stdout.on("error", () => undefined);
  const { enableCompileCache } = await import("node:module");
  // Compiling is a fifth of the time to ready. The cache lies beside the program, where only those can write who could change the program itself: in the
  // system's temporary folder somebody else could put code there for us. Where we may not write, nothing is kept.
  enableCompileCache(`${import.meta.dirname}/../../.cache`);
  const { run } = await import("./program.ts");
  process.exitCode = await run(process.argv.slice(2));
}
