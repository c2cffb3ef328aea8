import { expect, test } from "vitest";
import { commandEnvironment } from "./command-environment.ts";

test("a program that others can have run sees where it is, and no secret of ours [WAKE-4]", () => {
  const environment = {
    PATH: "/bin",
    HOME: "/home/a",
    LANG: "C",
    HIKYAKU_PASSPHRASE: "correct horse",
    AWS_SECRET_ACCESS_KEY: "x",
    TZ: undefined,
  };
  expect(commandEnvironment(environment)).toEqual({ PATH: "/bin", HOME: "/home/a", LANG: "C" });
});
