/** A run's results as they are written down: nothing in them names a host or a path, so that they can be published. */
import { spawnSync } from "node:child_process";
import { arch, cpus, release, type } from "node:os";
import { digits, type RowResult } from "./judge.ts";

export interface Results {
  readonly machine: string;
  readonly node: string;
  /** With a plus where the checkout holds changes that are in no commit. */
  readonly commit: string;
  readonly rows: readonly RowResult[];
}

export function describeRun(rows: readonly RowResult[], root: string): Results {
  return { machine: describeMachine(), node: process.version, commit: describeCommit(root), rows };
}

/** The kernel's version without what a builder appended to it, which may be a name. */
function describeMachine(): string {
  const processors = cpus();
  const kernel = /^[\d.]+/.exec(release())?.[0] ?? "";
  return `${processors[0]?.model.trim() ?? "unknown processor"}, ${processors.length} cores, ${type()} ${kernel} ${arch()}`;
}

function describeCommit(root: string): string {
  const git = (...words: readonly string[]): string => spawnSync("git", words, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const commit = git("rev-parse", "--short=12", "HEAD");
  return commit === "" ? "unknown" : `${commit}${git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+"}`;
}

/** A table for people, with a line below a row for each counterpart. */
export function table(rows: readonly RowResult[]): string {
  const lines = rows.flatMap(({ id, name, value, unit, floor, ratio, goal, reached, peers }) => [
    [id, name, `${digits(value)} ${unit}`, digits(floor), digits(ratio), goal, reached ? "reached" : "not reached"],
    ...peers.map((peer) => ["", `  ${peer.name}: no ${peer.lacks}`, `${digits(peer.value)} ${unit}`, "", "", "", ""]),
  ]);
  return align([["row", "what", "value", "floor", "ratio", "goal", ""], ...lines]);
}

function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
