/** What only whole networks under faults show: that each message is delivered once, in order, or given back with a true reason (spec §10, §11). */
import type { Mutant } from "../mutant.ts";

const test = "packages/hikyaku/src/simulation.test.ts";
const title = "keep every promise";

export const simulationMutants: readonly Mutant[] = [
  // Evicting id table: an inbox that forgets what was handled cannot tell a copy from a message any more.
  {
    must: "BOX-2",
    file: "packages/peer/src/adapters/memory-inbox.ts",
    text: "if (held !== undefined) return {",
    replacement: 'if (held !== undefined && held.stage !== "handled") return {',
    test,
    title,
  },
  // Receipt before commit.
  {
    must: "BOX-1",
    file: "packages/peer/src/engine/mail.ts",
    text: "const arrivals = kept.length === 0",
    replacement:
      'for (const { body } of kept) this.#receipt(from, body.id, { kind: "stored" });\n    this.#parts.couriers().of(from.did).tell();\n    const arrivals = kept.length === 0',
    test,
    title,
  },
  // Lost retransmit: what had no receipt is not sent again.
  {
    must: "BOX-3",
    file: "packages/peer/src/delivery/repetitions.ts",
    text: "const entries = this.#flights.turnBackAll(({ sentAt }) => sentAt + afterMs <= now);",
    replacement: "const entries = this.#flights.turnBackAll(() => false);",
    test,
    title,
  },
  // Floor off by one.
  {
    must: "BOX-1",
    file: "packages/peer/src/adapters/memory-outbox.ts",
    text: "return first ?? lastOrder + 1;",
    replacement: "return (first ?? lastOrder) + 1;",
    test,
    title,
  },
  // What a crash cut short is run again.
  {
    must: "BOX-2",
    file: "packages/peer/src/engine/handling.ts",
    text: "if (!idempotent) return await this.settleInterrupted(type);",
    replacement: "",
    test,
    title,
  },
  // A full disk ends a lane.
  {
    must: "BOX-1",
    file: "packages/peer/src/engine/durably.ts",
    text: "!passing.has(error.code)",
    replacement: "passing.has(error.code)",
    test,
    title,
  },
  // Nothing says that an expired message need not be waited for.
  {
    must: "BOX-3",
    file: "packages/peer/src/engine/mail.ts",
    text: "await Promise.all(lanes.map(({ lane, floor })",
    replacement: "await Promise.all(lanes.slice(0, 0).map(({ lane, floor })",
    test,
    title,
  },
  // An envelope whose signature nobody looked at.
  {
    must: "ORD-1",
    file: "packages/protocol/src/session/session.ts",
    text: "if (!isFarAhead && !isSignedBy(crypto, peerKey, envelope))",
    replacement: "if (isFarAhead && !isSignedBy(crypto, peerKey, envelope))",
    test,
    title,
  },
  // What a handler threw stands in the log, with the message's own words.
  {
    must: "KEY-6",
    file: "packages/peer/src/engine/handling.ts",
    text: 'const reason = error instanceof Error ? error.name : "thrown"',
    replacement: "const reason = String(error)",
    test,
    title,
  },
  // Early window commit: a number is used up before anybody has seen whether its message is genuine. The genuine one, right behind its bent twin, is taken for a replay.
  {
    must: "MSG-6",
    file: "packages/protocol/src/session/session.ts",
    text: 'if (verdict.kind === "replayed") return { kind: "refused", code: "REPLAY_DETECTED" };',
    replacement:
      'if (verdict.kind === "replayed") return { kind: "refused", code: "REPLAY_DETECTED" };\n  if (verdict.kind === "fresh") Object.assign(session, { window: verdict.window });',
    test,
    title,
  },
  // Persisted session keys: the sessions of one run of a program are there again in the next, beside its identity.
  {
    must: "LIFE-4",
    file: "packages/peer/src/engine/engine.ts",
    text: "const { sessions } = this;",
    replacement:
      "const { sessions } = Object.assign(this, { sessions: ((needs.identity as { kept?: SessionTable }).kept ??= this.sessions) });",
    test,
    title,
  },
  // Wrong take-over: the session completed last sends, also where two handshakes crossed and each end completed another one last.
  {
    must: "LIFE-3",
    file: "packages/peer/src/engine/session-table.ts",
    text: "sessions.sending = crossed !== undefined && crossed.facts.sessionId < sessionId ? crossed : session;",
    replacement: "sessions.sending = session;",
    test,
    title,
  },
  // Double handler start: a handler begins before it is durable that it does, and after a crash it begins again.
  {
    must: "BOX-4",
    file: "packages/peer/src/engine/handling.ts",
    text: "const [isOurs] = await Promise.all([this.#start(message), ending]);",
    replacement: "await ending;\n      const isOurs = true;\n      void this.#start(message);",
    test,
    title,
  },
  // T1: what was accepted and had not begun is forgotten by a crash.
  {
    must: "TASK-1",
    file: "packages/peer/src/work/assignments.ts",
    text: "?.isIdempotent === true) return this.#wait(task);",
    replacement: "?.isIdempotent === true) return;",
    test,
    title,
  },
  // T2: what a crash cut short is run again, whatever harm that does.
  {
    must: "TASK-8",
    file: "packages/peer/src/work/assignments.ts",
    text: 'if (task.state === "submitted" || ',
    replacement: "if (task.id !== undefined || ",
    test,
    title,
  },
  // T3: an event that comes twice is taken twice.
  {
    must: "TASK-6",
    file: "packages/peer/src/work/delegations.ts",
    text: "ground.tasks.append(key, newsOf(said), ground.clock.now(), cursor)",
    replacement: "ground.tasks.append(key, newsOf(said), ground.clock.now())",
    test,
    title,
  },
  // T4: a task goes on after its end.
  {
    must: "TASK-4",
    file: "packages/peer/src/adapters/task-steps.ts",
    text: 'if (!isOpen(task)) return { kind: "ended" };',
    replacement: "",
    test,
    title,
  },
];
