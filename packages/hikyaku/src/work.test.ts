/** What a program writes that gives work to a peer, or does it: with schemas of a library, typed from end to end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createPeer, HikyakuError, type Peer, type Task, TaskFailure, type TaskProgress } from "./index.ts";

let above: string;
let desk: Peer;
let lap: Peer;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-work-"));
  [desk, lap] = await Promise.all([settle("desk"), settle("lap")]);
  const invitation = desk.invite({ name: "lap", allow: ["message", "task_delegate"] });
  await lap.accept(invitation.link, { name: "desk", allow: ["message"] });
  await invitation.paired;
});
afterAll(async () => {
  await Promise.all([desk.close(), lap.close()]);
  rmSync(above, { recursive: true });
});
const settle = (name: string): Promise<Peer> => createPeer({ folder: join(above, name), listen: "127.0.0.1:0" });

const Summary = z.object({ summary: z.string() });
const deadline = new Date(Date.now() + 60_000);

test("work is described by schemas, followed, and its output has their type", async () => {
  const input = z.object({ text: z.string() });
  await desk.capability("summarize", { input, output: Summary, idempotent: true }, async (task, ctx) => {
    expectTypeOf(task.input).toEqualTypeOf<{ text: string }>();
    await ctx.progress(0.5, "reading");
    return { summary: task.input.text.slice(0, 6) };
  });
  const task = await lap.delegate("desk", "summarize", { text: "A long report" }, { output: Summary, deadline });
  expectTypeOf(task).toEqualTypeOf<Task<{ summary: string }>>();
  const seen: string[] = [];
  for await (const event of task) seen.push(`${event.state} ${event.progress ?? ""}`.trim());
  expect(seen).toEqual(["submitted", "working", "working 0.5", "completed"]);
  expect((await task.result()).summary).toBe("A long");
  const { capabilities } = await lap.capabilities("desk");
  expect(capabilities).toMatchObject([
    { name: "summarize", idempotent: true, input: { required: ["text"] }, output: { required: ["summary"] } },
  ]);
});

test("what does not fit a schema is refused, on the side that the schema is of", async () => {
  await desk.capability("wordy", { output: z.array(z.string()) }, () => ["not", "a", "summary"]);
  const last = async (task: Task<unknown>): Promise<TaskProgress | undefined> => {
    let event: TaskProgress | undefined;
    for await (event of task);
    return event;
  };
  expect(await last(await lap.delegate("desk", "summarize", { text: 7 }))).toMatchObject({ state: "rejected", code: "INVALID_INPUT" });
  const task = await lap.delegate("desk", "wordy", null, { output: Summary });
  await expect(task.result()).rejects.toMatchObject({ code: "TASK_FAILED" });
  // @ts-expect-error: the output is not what the schema says.
  await desk.capability("mistyped", { output: Summary }, () => ({ summary: 1 }));
  expect(await last(await lap.delegate("desk", "mistyped", null))).toMatchObject({ state: "failed", code: "INVALID_OUTPUT" });
});

test("a handler asks, hands over artifacts, and fails in words that are meant for whoever asked", async () => {
  await desk.capability("print", {}, async (_, ctx) => {
    await ctx.artifact("proof", { pages: 2 });
    const answer = await ctx.ask("Both sides?");
    throw new TaskFailure(`no paper for ${String(answer)}`, "NO_PAPER");
  });
  const task = await lap.delegate("desk", "print", {});
  const artifacts: unknown[] = [];
  for await (const { state, artifact } of task) {
    artifacts.push(artifact);
    if (state === "input_required") await task.answer("both sides");
  }
  expect(artifacts).toContainEqual({ name: "proof", content: { pages: 2 } });
  const failure = await task.result().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HikyakuError);
  expect(failure).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("NO_PAPER: no paper for both sides") });
});
