/** What one check of `hikyaku doctor` found (spec CLI-4): a verdict, full sentences that say what is so, and where that is not good the way out. */
import { HikyakuError } from "@hikyaku/protocol";

export interface Finding {
  readonly name: string;
  readonly verdict: "good" | "warning" | "bad" | "skipped";
  readonly found: string;
  /** Left out where `found` is a refusal's own sentence, which ends with it. */
  readonly wayOut?: string;
}

export const good = (name: string, found: string): Finding => ({ name, verdict: "good", found });
export const warning = (name: string, found: string, wayOut: string): Finding => ({ name, verdict: "warning", found, wayOut });
export const bad = (name: string, found: string, wayOut: string): Finding => ({ name, verdict: "bad", found, wayOut });
export const skipped = (name: string, found: string): Finding => ({ name, verdict: "skipped", found });

/** What the rest of the program would refuse with; a mistake of ours stays one. */
export function refusal(name: string, error: unknown): Finding {
  if (error instanceof HikyakuError) return { name, verdict: "bad", found: error.message };
  throw error;
}
