/** What became of a message, as people read it and as the exit code tells it. */

import { visible } from "../text/visible.ts";
import type { Call } from "./call.ts";
import { exitOk, exitUnreachable } from "./exit-code.ts";
import { shortTime } from "./terminal.ts";

export interface Receipt {
  readonly id: string;
  readonly stage: string;
  readonly stages: readonly { readonly stage: string; readonly afterMs: number }[];
  readonly problem?: string;
  readonly exp?: number;
}

const stages: readonly string[] = ["queued", "stored", "delivered", "handled"];

/** A message that is kept and will be tried again is no failure, unless a stage was asked for that it has not reached. */
export const exitCodeOfReceipt = ({ stage }: Receipt, until: string | undefined): number =>
  until !== undefined && stages.indexOf(stage) < stages.indexOf(until) ? exitUnreachable : exitOk;

export async function showReceipt({ terminal }: Call, receipt: Receipt): Promise<void> {
  const { id, stage, stages: passed, problem, exp } = receipt;
  const way = passed.map(({ stage: one, afterMs }) => `${one} ${afterMs} ms`).join("  ");
  const lines = [`${id}  ${way === "" ? stage : way}${problem === undefined ? "" : `: ${problem}`}`];
  if (stage === "queued" && exp !== undefined) lines.push(`${" ".repeat(4)}retrying until ${shortTime(exp)}; hikyaku explain ${id}`);
  await terminal.show(lines.map(visible).join("\n"), receipt);
}
