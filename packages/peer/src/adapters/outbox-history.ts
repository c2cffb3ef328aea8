/** What an outbox tells of a message's way (spec §11): the stations that every message may pass once, and between them whatever was remarked. */
import type { OutboxEvent, OutboxStage } from "../ports/outbox.ts";

/** The stations, each with its time. A message whose stage is final, or that time has settled, has `settledAt`. */
export interface Stations {
  readonly stage: OutboxStage;
  readonly queuedAt: number;
  readonly sent?: { readonly at: number; readonly route: string };
  readonly storedAt?: number;
  readonly deliveredAt?: number;
  readonly settledAt?: number;
  readonly reason?: string;
}

/** As many as stations can tell of one message; remarks share what is left. */
export const stationEventsMax = 5;

const finalStages: ReadonlySet<OutboxStage> = new Set(["handled", "refused", "expired"]);

/** Oldest first; of one time, in the order in which things happen to a message. */
export function tellEvents(stations: Stations, remarks: readonly OutboxEvent[]): readonly OutboxEvent[] {
  const { stage, queuedAt, sent, storedAt, deliveredAt, settledAt, reason } = stations;
  const events: (OutboxEvent | undefined)[] = [
    { at: queuedAt, kind: "queued" },
    ...remarks,
    sent && { at: sent.at, kind: "sent", detail: sent.route },
    storedAt === undefined ? undefined : { at: storedAt, kind: "stored" },
    deliveredAt === undefined ? undefined : { at: deliveredAt, kind: "delivered" },
    settledAt === undefined || !isFinal(stage)
      ? undefined
      : { at: settledAt, kind: stage, ...(reason === undefined ? {} : { detail: reason }) },
  ];
  return events.filter((event) => event !== undefined).sort((left, right) => left.at - right.at);
}

const isFinal = (stage: OutboxStage): stage is "handled" | "refused" | "expired" => finalStages.has(stage);

/** The remark that makes room for another: the oldest of a kind that occurs more than once, for a repetition tells least. */
export function remarkToDrop(remarks: readonly OutboxEvent[]): number {
  const isRepeated = ({ kind }: OutboxEvent): boolean => remarks.filter((other) => other.kind === kind).length > 1;
  return Math.max(0, remarks.findIndex(isRepeated));
}
