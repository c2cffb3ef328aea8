import type { AssignedTask, TaskContext } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { failureOf } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { Errand } from "./errand.ts";

test("a question for which a task has no room left makes it fail, and its program stop, instead of waiting for an answer [TASK-9]", async () => {
  const context = { ask: () => Promise.reject(new HikyakuError("QUOTA_EXCEEDED", "A task has so many events.")) };
  const errand = new Errand({} as AssignedTask, context as unknown as TaskContext);
  const failed = failureOf(errand.outcome);
  const stopped = Promise.withResolvers<void>();
  await errand.say({ kind: "ask", ask: "?" }, { answered: () => undefined, unaskable: stopped.resolve });
  expect(await failed).toMatchObject({ code: "QUOTA_EXCEEDED", message: "A task has so many events." });
  await stopped.promise;
});
