/** One task in the hands of what does it here, a program of its own or a tool of a server that serves many; and what is said of it meanwhile. */

/** One word on a task, as the control interface takes it. */
export type Said = Readonly<Record<string, unknown>>;

/** The last word on the task; undefined where it was stopped from outside. */
export type Outcome = Said | undefined;

export interface ServedTask {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly from: { readonly did: string; readonly name: string };
  readonly capability: string;
  readonly input: unknown;
}

export interface RunEars {
  /** What is said before the last word; throws UnfitOutput where that is not understood. */
  readonly tell: (said: Said) => Promise<void>;
  /** What is written for whoever serves. */
  readonly note: (line: string) => void;
}

export interface Run {
  /** Rejects where `tell` fails otherwise than with UnfitOutput. */
  readonly outcome: Promise<Outcome>;
  /** The answer to what it asked; what never asks has no need of it. */
  answer?(answer: unknown): void;
  /** The task has ended otherwise. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

export type BeginRun = (task: ServedTask, ears: RunEars) => Run;
