/** Programs as people write them, and as they should not: each a real process. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { UnfitOutput } from "./output-lines.ts";
import { ProgramRun, type RunSettings } from "./program-run.ts";
import type { Said } from "./run.ts";

const task = {
  id: "01996f44-0000-7000-8000-000000000000",
  from: { did: "did:key:z6Mk", name: "lap" },
  input: { n: 2 },
  deadline: Date.now() + 60_000,
};

interface Heard {
  readonly outcome: Said | undefined;
  readonly said: readonly Said[];
  readonly notes: readonly string[];
}

function begin(command: string, words: readonly string[], settings: Partial<RunSettings> = {}) {
  const said: Said[] = [];
  const notes: string[] = [];
  const run = new ProgramRun(
    { ...task, ...(settings.timeoutMs === 0 ? { deadline: Date.now() } : {}) },
    { command, words, environment: { PATH: process.env["PATH"] ?? "" }, isInteractive: false, timeoutMs: undefined, ...settings },
    {
      tell: async (one) => {
        if (one["progress"] === 9) throw new UnfitOutput("progress wants at most 1.");
        said.push(one);
        if ("ask" in one) run.answer("Dutch");
      },
      note: (line) => notes.push(line),
    },
  );
  return { run, said, notes };
}
async function heard(command: string, words: readonly string[], settings: Partial<RunSettings> = {}): Promise<Heard> {
  const { run, said, notes } = begin(command, words, settings);
  return { outcome: await run.outcome, said, notes };
}
const shell = (script: string, settings: Partial<RunSettings> = {}): Promise<Heard> => heard("/bin/sh", ["-c", script], settings);
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.concurrent("a program gets its task as one JSON line, says how it goes, and its result is the last word", async () => {
  const script = `read -r line; printf '{"progress":0.5,"detail":"reading"}\\n\\n{"artifact":{"name":"a","content":1}}\\n'; echo "{\\"result\\":$line}"; echo noted >&2`;
  const { outcome, said, notes } = await shell(script);
  expect(outcome).toEqual({ result: task });
  expect(said).toEqual([{ progress: 0.5, detail: "reading" }, { artifact: { name: "a", content: 1 } }]);
  expect(notes).toEqual(["noted"]);
});

test.concurrent("its input is at its end after the task, so that a program may read all of it", async () => {
  expect(await heard("cat", [])).toMatchObject({ outcome: { result: task }, said: [] });
});

test.concurrent("served as interactive it asks, and reads the answer from its input", async () => {
  const script = `read -r t; echo '{"ask":"Which language?"}'; read -r a; echo "{\\"result\\":$a}"`;
  expect(await shell(script, { isInteractive: true })).toMatchObject({ outcome: { result: { answer: "Dutch" } } });
});

test.concurrent("it sees the variables that it is given and its task's id, and no others", async () => {
  const { outcome } = await shell("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | cut -d= -f1 | sort | tr '\\n' ' ' | sed 's/.*/\"&\"/'");
  expect(outcome).toEqual({ result: "HIKYAKU_TASK PATH " });
});

describe.concurrent("all of the output may be one JSON document, which is the result", () => {
  test.each([
    ["in one line", `echo '{"summary":"short"}'`, { result: { summary: "short" } }],
    ["in many", `printf '{\\n  "summary":\\n "short"\\n}\\n'`, { result: { summary: "short" } }],
    ["a bare value, without a line's end", "printf 42", { result: 42 }],
    ["with nothing but what may stand beside our words", `echo '{"code":7}'`, { result: { code: 7 } }],
    ["with fields of its own beside ours", `echo '{"result":1,"summary":2}'`, { result: { result: 1, summary: 2 } }],
  ])("%s", async (_, script, outcome) => {
    expect((await shell(script)).outcome).toEqual(outcome);
  });
});

describe.concurrent("a program that does not do what it should makes the task fail, with a reason", () => {
  const flood = (text: string): string => `while :; do printf '${text}'; done`;
  test.each([
    ["ends with a code", "echo secret >&2; exit 3", "The program ended with code 3."],
    ["ends with a code after its result", `echo '{"result":1}'; exit 4`, "The program ended with code 4."],
    ["is ended by a signal", "kill -SEGV $$", "The program was ended by SIGSEGV."],
    ["says nothing", "exit 0", "The program ended without a result."],
    ["says something, and no result", `echo '{"progress":1}'`, "The program ended without a result."],
    ["writes garbage", "echo hello", "neither JSON lines nor one JSON document"],
    ["writes garbage after a good line", `echo '{"progress":1}'; echo hello; sleep 60`, "Line 2 of the program's output is no JSON object"],
    ["goes on after its result", `echo '{"result":1}'; echo '{"progress":1}'; sleep 60`, "something after its result"],
    ["says a wrong shape", `echo '{"progress":9}'; sleep 60`, "progress wants at most 1."],
    ["asks, and is not served so", `echo '{"ask":"?"}'; sleep 60`, "served without --interactive"],
    ["nests without end", "printf '[%.0s' $(seq 1000); printf ']%.0s' $(seq 1000)", "neither JSON lines nor one JSON document"],
    ["writes bytes that are no text", "printf '\\377\\376'", "neither JSON lines nor one JSON document"],
    ["writes a line without end", flood("x".repeat(1000)), "a line of more than 131072 bytes"],
    ["writes lines without end", flood("\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n"), "more than 100000 lines"],
    ["writes a document without end", flood("7\\n7\\n"), "has more than 131072 bytes"],
  ])("%s", async (_, script, why) => {
    expect((await shell(script)).outcome).toEqual({ error: expect.stringContaining(why) });
  });

  test("cannot be started", async () => {
    expect((await heard("/nonexistent/program", [])).outcome).toEqual({ error: "The program could not be started." });
  });

  test("fails in its own words, whatever its exit code", async () => {
    expect((await shell(`echo '{"error":"no paper","code":"NO_PAPER"}'; exit 1`)).outcome).toEqual({ error: "no paper", code: "NO_PAPER" });
  });

  test("hangs until its time is over, or its task's deadline", async () => {
    expect((await shell("sleep 60", { timeoutMs: 200 })).outcome).toEqual({
      error: "The program took longer than 0.2 s.",
      code: "TIMED_OUT",
    });
    expect((await shell("sleep 60", { timeoutMs: 0 })).outcome).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("writes to its errors without end, and is not held up by it", async () => {
    const { outcome, notes } = await shell("head -c 3000000 /dev/zero | tr '\\0' 'e' >&2; echo 1");
    expect(outcome).toEqual({ result: 1 });
    expect(notes.join("").length).toBeLessThanOrEqual(1024 * 1024);
  });
});

describe.concurrent("what a program starts ends with it", () => {
  const pidIn = async (notes: readonly string[]): Promise<number> => {
    await vi.waitUntil(() => notes.length > 0, { timeout: 20_000 });
    return Number(notes[0]);
  };

  test("when it ends by itself", async () => {
    const { outcome, notes } = await shell("sleep 60 & echo $! >&2; echo 1");
    expect(outcome).toEqual({ result: 1 });
    await vi.waitUntil(() => !isAlive(Number(notes[0])), { timeout: 20_000 });
  });

  test("when the task is stopped, also where both ignore that they are told", async () => {
    const { run, notes } = begin("/bin/sh", ["-c", "trap '' TERM; sleep 60 & echo $! >&2; while :; do wait; done"]);
    const pid = await pidIn(notes);
    const begun = Date.now();
    run.stop();
    expect(await run.outcome).toBeUndefined();
    expect(Date.now() - begun).toBeGreaterThan(4_500);
    await vi.waitUntil(() => !isAlive(pid), { timeout: 20_000 });
  });

  test("at once, where whoever serves it is in a hurry", async () => {
    const { run, notes } = begin("/bin/sh", ["-c", "trap '' TERM; echo $$ >&2; while :; do sleep 1; done"]);
    const pid = await pidIn(notes);
    run.kill();
    expect(await run.outcome).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
  });

  test("what has left the group holds nobody up for long", async () => {
    const begun = Date.now();
    const { outcome, notes } = await shell(`setsid sh -c 'echo $$ >&2; sleep 60' & sleep 0.5; echo 1`);
    expect(outcome).toEqual({ result: 1 });
    expect(Date.now() - begun).toBeLessThan(20_000);
    process.kill(Number(notes[0]), "SIGKILL");
  });
});

test.concurrent("a program that is told to stop may tidy up first", async () => {
  const { run, notes } = begin("/bin/sh", ["-c", "trap 'echo tidy >&2; exit 0' TERM; echo up >&2; while :; do sleep 0.1; done"]);
  await vi.waitUntil(() => notes.includes("up"), { timeout: 20_000 });
  run.stop();
  expect(await run.outcome).toBeUndefined();
  await pause(50);
  expect(notes).toContain("tidy");
});
