/** The judge can say no: each way in which delivery could be wrong is noticed in what it leaves behind. */
import { expect, test } from "vitest";
import { type Evidence, judge } from "./judge.ts";

/** Three messages, the second of which was interrupted. */
const sound: Evidence = {
  kept: [
    { id: "a", n: 1, stage: "handled", reason: null },
    { id: "b", n: 2, stage: "refused", reason: "INTERRUPTED" },
    { id: "c", n: 3, stage: "handled", reason: null },
  ],
  sendings: [
    ["about", "1", "3"],
    ["sent", "1", "a"],
    ["sent", "3", "c"],
  ],
  handlings: [
    ["start", "a", "1"],
    ["end", "a"],
    ["start", "b", "2"],
    ["start", "c", "3"],
    ["end", "c"],
  ],
  kills: 1,
};
const [first, second, third] = sound.kept as [Evidence["kept"][0], Evidence["kept"][0], Evidence["kept"][0]];
const startAgain = ["start", "a", "1"];

test("what went well has nothing wrong with it", () => {
  expect(judge(sound)).toEqual({ handled: 2, interrupted: 1, expired: 0, wrongs: [] });
});

test.each<[string, Partial<Evidence>, string]>([
  ["a durable message that vanished", { kept: [first, second], sendings: sound.sendings }, "message 3 was durable as c"],
  ["a message that vanished between others", { kept: [first, third] }, "message 2 has vanished from the outbox"],
  [
    "a message under another number than it was sent with",
    {
      sendings: [
        ["about", "1", "3"],
        ["sent", "2", "a"],
      ],
    },
    "message 2 was durable as a",
  ],
  ["a message that nobody meant to send", { sendings: [["about", "1", "2"]] }, "3 messages are in the outbox, and 2 were sent"],
  [
    "a message that was handled and is in no outbox",
    { handlings: [...sound.handlings, ["start", "x", "4"]] },
    "its sender has nothing under that id",
  ],
  ["a message that was started twice", { handlings: [...sound.handlings, startAgain] }, "message 1 (a) was started twice"],
  [
    "messages out of order",
    { handlings: [["start", "c", "3"], ["end", "c"], startAgain, ["end", "a"]] },
    "message 1 was started after message 3",
  ],
  [
    "a message that nobody handled",
    { handlings: sound.handlings.slice(0, -2) },
    "message 3 is handled (no reason) in the outbox; its handler did not run",
  ],
  ["a message that is on its way for ever", { kept: [first, second, { ...third, stage: "stored" }] }, "message 3 is stored"],
  [
    "a dead letter for another reason",
    { kept: [first, { ...second, reason: "SEQUENCE_ERROR" }, third] },
    "message 2 is refused (SEQUENCE_ERROR)",
  ],
  ["more interruptions than kills", { kills: 0 }, "1 messages were interrupted by 0 kills"],
])("%s is wrong", (_, changes, wrong) => {
  expect(judge({ ...sound, ...changes }).wrongs).toContainEqual(expect.stringContaining(wrong));
});
