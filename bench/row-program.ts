/** Runs one row in a process of its own, so that what one leaves behind in memory or compiled code does not slow or speed the next. */
import type { Effort } from "./effort.ts";
import type { Floors } from "./floor/floors.ts";
import { type Judgement, judge } from "./judge.ts";
import { answerQuestions } from "./process/questions.ts";
import { rows } from "./rows.ts";

export interface Assignment {
  readonly id: string;
  readonly floors: Floors;
  readonly effort: Effort;
}

async function run({ id, floors, effort }: Assignment): Promise<Judgement> {
  const load = rows[id];
  if (load === undefined) throw new Error(`there is no row ${id}`);
  const { row } = await load();
  return judge(row, await row.run(floors, effort));
}

answerQuestions({ run });
