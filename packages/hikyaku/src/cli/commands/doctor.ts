/** `hikyaku doctor`: what keeps this peer from working, line by line (spec CLI-4); runs whether or not the peer does. */

import { visible } from "../../text/visible.ts";
import type { CommonFlags } from "../call.ts";
import { examine } from "../doctor/examination.ts";
import type { Finding } from "../doctor/finding.ts";
import { exitMachine, exitOk } from "../exit-code.ts";
import { createTerminal } from "../terminal.ts";

/** Resolves with the exit code: what is red is an answer of this command, not its failure. */
export async function doctor({ json = false, ...flags }: CommonFlags): Promise<number> {
  const terminal = createTerminal(json);
  let exitCode = exitOk;
  for await (const finding of examine(flags)) {
    if (finding.verdict === "bad") exitCode = exitMachine;
    await terminal.show(line(finding), finding);
  }
  return exitCode;
}

const signs: Readonly<Record<Finding["verdict"], string>> = { good: "✓", warning: "!", bad: "✗", skipped: "–" };
const nameWidth = 10;

const line = ({ name, verdict, found, wayOut }: Finding): string =>
  visible(`${signs[verdict]} ${name.padEnd(nameWidth)}  ${[found, wayOut].filter(Boolean).join(" ")}`);
