/** The built program as a person runs it, with nothing of the user's: no settings, and a home where nothing is. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../packages/hikyaku/dist/cli/main.js", import.meta.url));
const environment = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

export interface CommandLine {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

export const commandLine = (words: readonly string[]): CommandLine => ({
  command: process.execPath,
  args: [main, ...words],
  env: environment,
});

/** A command that goes on until it is ended. */
export function startCommand(words: readonly string[]): ChildProcess {
  const { command, args, env } = commandLine(words);
  return spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
}

/** Runs a command to its end and resolves with what it said. Rejects where it did not end well. */
export async function runCommand(words: readonly string[]): Promise<string> {
  const child = startCommand(words);
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`hikyaku ${words[0]} ended with ${code}`);
  return said;
}
