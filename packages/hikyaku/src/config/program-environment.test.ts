import { expect, test } from "vitest";
import { ownTask, programEnvironment } from "./program-environment.ts";

test("a program that we start sees where things are and how people write, and no secret of ours [KEY-6]", () => {
  const environment = { PATH: "/bin", HOME: "/home/x", LC_ALL: "C", TZ: "UTC", HIKYAKU_PASSPHRASE: "p", API_TOKEN: "t", LANG: undefined };
  expect(programEnvironment(environment)).toEqual({ PATH: "/bin", HOME: "/home/x", LC_ALL: "C", TZ: "UTC" });
});

test("a program that does a task knows which, and an empty variable is none", () => {
  expect([ownTask({ HIKYAKU_TASK: "01996f44" }), ownTask({ HIKYAKU_TASK: "" }), ownTask({})]).toEqual(["01996f44", undefined, undefined]);
});
