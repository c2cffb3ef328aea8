/**
 * When a change of a store in memory happens. `work` makes the whole change and its result in one go, so that whoever simulates a disk may run it later, never
 * (a crash), or reject with STORAGE_FAILED instead (a full disk): until it runs, readers see what was there before.
 */
export type Commit = <Result>(work: () => Result) => Promise<Result>;

/** A disk that is never slow and never full. */
export const commitAtOnce: Commit = async (work) => work();
