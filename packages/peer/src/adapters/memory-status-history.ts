/** A status history in memory: for tests, simulations and peers that shall forget. Its state outlives it where it is given one. */
import { limits } from "@hikyaku/protocol";
import type { KeptStatusReport, StatusHistory, StatusQuery, StatusReport } from "../ports/status-history.ts";
import { type Commit, commitAtOnce } from "./commit.ts";

export interface MemoryStatusesState {
  /** The last position that was given. */
  position: number;
  /** By did, oldest first. */
  readonly reports: Map<string, readonly KeptStatusReport[]>;
}

export const emptyStatuses = (): MemoryStatusesState => ({ position: 0, reports: new Map() });

export interface MemoryStatusHistoryOptions {
  /** What a restarted peer finds again. */
  readonly state?: MemoryStatusesState;
  readonly commit?: Commit;
}

export class MemoryStatusHistory implements StatusHistory {
  readonly #state: MemoryStatusesState;
  readonly #commit: Commit;

  constructor({ state = emptyStatuses(), commit = commitAtOnce }: MemoryStatusHistoryOptions = {}) {
    this.#state = state;
    this.#commit = commit;
  }

  add(report: StatusReport): Promise<void> {
    return this.#commit(() => {
      const { reports } = this.#state;
      const known = reports.get(report.from) ?? [];
      if (known.some(({ id }) => id === report.id)) return;
      this.#state.position += 1;
      reports.set(report.from, [...known, { ...report, position: this.#state.position }].slice(-limits.statusReportsKept));
    });
  }

  async list(from: string, { after = 0, limit }: StatusQuery): Promise<readonly KeptStatusReport[]> {
    const newer = (this.#state.reports.get(from) ?? []).filter(({ position }) => position > after);
    return limit > 0 ? newer.slice(-limit) : [];
  }

  forget(from: string): Promise<void> {
    return this.#commit(() => {
      this.#state.reports.delete(from);
    });
  }
}
