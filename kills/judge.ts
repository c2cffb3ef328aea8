/** What the files of two peers prove in the end: nothing lost, nothing twice, nothing out of order, nothing made up. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readJournal } from "./journal.ts";
import { database, handlings, sendings } from "./words.ts";

/** A row of the sender's outbox. */
interface Kept {
  readonly id: string;
  /** The order, which is the number. */
  readonly n: number;
  readonly stage: string;
  readonly reason: string | null;
}

/** Everything that one direction left behind. */
export interface Evidence {
  readonly kept: readonly Kept[];
  readonly sendings: readonly (readonly string[])[];
  readonly handlings: readonly (readonly string[])[];
  /** Of the recipient. */
  readonly kills: number;
}

export interface Verdict {
  readonly handled: number;
  readonly interrupted: number;
  readonly expired: number;
  readonly wrongs: readonly string[];
}

const stages = ["queued", "stored", "delivered", "handled", "refused", "expired"];

/** Both peers must have ended. */
export function gather(sender: string, recipient: string, kills: number): Evidence {
  using outbox = new DatabaseSync(join(sender, database));
  const rows = outbox.prepare("SELECT id, lane_order, stage, reason FROM outbox ORDER BY lane_order").all();
  const kept = rows.map(({ id, lane_order, stage, reason }) => ({
    id: String(id),
    n: Number(lane_order),
    stage: stages[Number(stage)] ?? String(stage),
    reason: reason === null ? null : String(reason),
  }));
  return { kept, sendings: readJournal(join(sender, sendings)), handlings: readJournal(join(recipient, handlings)), kills };
}

export function judge({ kept, sendings: sent, handlings: handled, kills }: Evidence): Verdict {
  const starts = handled.filter(([word]) => word === "start").map(([, id = "", n = ""]) => ({ id, n: Number(n) }));
  const ends = handled.filter(([word]) => word === "end").map(([, id = ""]) => id);
  const interrupted = kept.filter((message) => message.reason === "INTERRUPTED").length;
  const wrongs = [
    ...judgeSendings(kept, sent),
    ...judgeOrder(starts),
    ...judgeOrigins(kept, starts),
    ...judgeEnds(kept, new Set(starts.map(({ id }) => id)), ends),
    // One lane has one handler at work, so a kill cuts short one message at most.
    ...(interrupted > kills ? [`${interrupted} messages were interrupted by ${kills} kills`] : []),
  ];
  const handledCount = kept.filter(({ stage }) => stage === "handled").length;
  return { handled: handledCount, interrupted, expired: kept.filter(({ stage }) => stage === "expired").length, wrongs };
}

/** What was durable is still there, under the number that it was sent with, and nothing is there that nobody meant to send. */
function* judgeSendings(kept: readonly Kept[], sent: Evidence["sendings"]): Generator<string> {
  const byNumber = new Map(kept.map(({ id, n }) => [n, id]));
  const announced = Math.max(0, ...sent.filter(([word]) => word === "about").map(([, , last]) => Number(last)));
  if (kept.length > announced) yield `${kept.length} messages are in the outbox, and ${announced} were sent`;
  for (let n = 1; n <= kept.length; n += 1) if (!byNumber.has(n)) yield `message ${n} has vanished from the outbox`;
  for (const [word, n, id] of sent)
    if (word === "sent" && byNumber.get(Number(n)) !== id)
      yield `message ${n} was durable as ${id}, and the outbox has ${byNumber.get(Number(n))}`;
}

/** Each started once, and by rising numbers. */
function* judgeOrder(starts: readonly { readonly id: string; readonly n: number }[]): Generator<string> {
  const seen = new Set<string>();
  let last = 0;
  for (const { id, n } of starts) {
    if (seen.has(id)) yield `message ${n} (${id}) was started twice`;
    else if (n <= last) yield `message ${n} was started after message ${last}`;
    seen.add(id);
    last = n;
  }
}

function* judgeOrigins(kept: readonly Kept[], starts: readonly { readonly id: string; readonly n: number }[]): Generator<string> {
  const numbers = new Map(kept.map(({ id, n }) => [id, n]));
  for (const { id, n } of starts)
    if (numbers.get(id) !== n) yield `message ${n} (${id}) was handled, and its sender has ${numbers.get(id) ?? "nothing"} under that id`;
}

/** Each has come to an end that its sender knows of, and that is true. */
function* judgeEnds(kept: readonly Kept[], started: ReadonlySet<string>, ends: readonly string[]): Generator<string> {
  const ended = new Set(ends);
  if (ended.size !== ends.length) yield "a handler ended twice with the same message";
  for (const { id, n, stage, reason } of kept) {
    const isHandled = started.has(id) && ended.has(id);
    if (stage === "handled" ? isHandled : isDeadLetter(stage, reason)) continue;
    yield `message ${n} is ${stage} (${reason ?? "no reason"}) in the outbox; its handler ${isHandled ? "ran" : "did not run to its end"}`;
  }
}

const isDeadLetter = (stage: string, reason: string | null): boolean =>
  stage === "expired" || (stage === "refused" && (reason === "INTERRUPTED" || reason === "MESSAGE_EXPIRED"));
