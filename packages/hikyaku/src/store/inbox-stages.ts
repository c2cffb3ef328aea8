/** How stages of the inbox stand in the database: a stage's index is its number there. */
import type { InboxStage } from "@hikyaku/peer";

const stages: readonly InboxStage[] = ["stored", "delivered", "started", "handled", "refused"];

export const numberOf = (stage: InboxStage): number => stages.indexOf(stage);

/** What no version of ours writes was never handled. */
const stageNumbered = (number: number): InboxStage => stages[number] ?? "stored";

/** A row's stage and, where it was refused, why. */
export const wordOn = (row: {
  readonly stage: number;
  readonly reason: string | null;
}): { readonly stage: InboxStage; readonly reason?: string } => ({
  stage: stageNumbered(row.stage),
  ...(row.reason === null ? {} : { reason: row.reason }),
});
