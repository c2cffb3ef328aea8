/**
 * What one call costs, timed inside the process that does the work. Computing is counted in processor time, as `openssl speed` does it, so that whatever else
 * the machine is doing does not count; disks, networks and other processes can only be waited for, and waiting takes the time that it takes.
 */
import type { Effort } from "./effort.ts";

/** What a batch is meant to take, so that reading the clock costs nothing beside it. */
const batchMs = 5;

/** The median of the rounds, after the rounds that only warm up. */
export async function medianOf({ rounds, warmUps }: Effort, round: () => number | Promise<number>): Promise<number> {
  for (let at = 0; at < warmUps; at += 1) await round();
  const results: number[] = [];
  for (let at = 0; at < rounds; at += 1) results.push(await round());
  return median(results);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Microseconds so far, from a start of its own. */
export type Stopwatch = () => number;

/** Of this process on all its threads: what the collector does for it in the background is a part of the cost. */
export function processorTime(): Stopwatch {
  const began = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(began);
    return user + system;
  };
}

export function elapsedTime(): Stopwatch {
  const beganAt = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - beganAt) / 1000;
}

/** Microseconds of processor time for one call of work that only computes. */
export const computingCostUs = (effort: Effort, work: () => unknown): Promise<number> =>
  medianOf(effort, () => repeat(effort, work, processorTime()));

/** Microseconds for one call of work that also waits for the disk, and is done when it returns. */
export const blockingCostUs = (effort: Effort, work: () => unknown): Promise<number> =>
  medianOf(effort, () => repeat(effort, work, elapsedTime()));

/** Microseconds for one call of work that is waited for, one after the other. */
export const waitingCostUs = (effort: Effort, work: () => Promise<unknown>): Promise<number> =>
  medianOf(effort, async () => {
    const elapsed = elapsedTime();
    let calls = 0;
    for (; elapsed() < effort.roundMs * 1000; calls += 1) await work();
    return elapsed() / calls;
  });

function repeat({ roundMs }: Effort, work: () => unknown, spent: Stopwatch): number {
  let calls = 0;
  for (let batch = 1; spent() < roundMs * 1000; batch = nextBatch(batch, spent() / calls)) {
    for (let at = 0; at < batch; at += 1) work();
    calls += batch;
  }
  return spent() / calls;
}

const nextBatch = (batch: number, callUs: number): number => Math.max(1, Math.min(batch * 2, Math.floor((batchMs * 1000) / callUs)));
