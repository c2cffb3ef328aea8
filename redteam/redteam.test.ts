/** The attacks can fail: with one guard taken out of a copy of the program, the attack that is meant for it says so. */
import { afterAll, expect, test } from "vitest";
import { brokenGuards, Copy } from "./broken-guards.ts";

const attackMsMax = 60_000;
const sound = new Copy();
afterAll(() => sound[Symbol.dispose]());

test.concurrent("a copy of the program as it is holds", { timeout: attackMsMax }, async () => {
  expect(await sound.attack(2)).toMatchObject({ verdict: "holds" });
});

const cheap = new Set([
  "the replay window",
  "the length of a tag",
  "the depth of brackets",
  "the last byte of a frame",
  "whose message a receipt is for",
  "the lanes of one sender",
]);

test.concurrent.each(brokenGuards.filter(({ guard }) => cheap.has(guard)))(
  "without $guard, attack $attack fails",
  { timeout: attackMsMax },
  async (broken) => {
    using copy = new Copy();
    copy.break(broken);
    expect(await copy.attack(broken.attack)).toMatchObject({ verdict: "noticed" });
  },
);
