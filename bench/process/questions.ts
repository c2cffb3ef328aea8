/** The helper's side: a table of questions that it answers until nobody is left to ask. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly details: unknown;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

/** Takes what the question carries; what comes back goes through JSON. */
export type Answering = (details: never) => unknown;

/** Ends the process once the asking side has gone, after `atEnd`. */
export function answerQuestions(table: Readonly<Record<string, Answering>>, atEnd: () => Promise<void> = async () => undefined): void {
  process.on("message", (question: Question) => void answer(table, question));
  process.once("disconnect", () => void atEnd().finally(() => process.exit()));
}

async function answer(table: Readonly<Record<string, Answering>>, { id, name, details }: Question): Promise<void> {
  try {
    const answering = table[name];
    if (answering === undefined) throw new Error(`this helper does not answer to ${name}`);
    send({ id, value: await answering(details as never) });
  } catch (error) {
    send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
}

const send = (answered: Answer): void => void process.send?.(answered);
