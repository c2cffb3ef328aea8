import fc from "fast-check";
import { expect, test } from "vitest";
import { isUuidV4 } from "../wire/envelope.ts";
import { isMessageId, newMessageId, newSessionId } from "./message-id.ts";

const dice = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("message ids are UUIDv7 that begin with their time, so that they sort by it [BODY-2]", () => {
  fc.assert(
    fc.property(time, dice(10), (now, random) => {
      const id = newMessageId(now, random);
      expect(isMessageId(id)).toBe(true);
      expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(now);
    }),
  );
});

test("session ids are UUIDv4 [ENV-4]", () => {
  fc.assert(
    fc.property(dice(16), (random) => {
      expect(isUuidV4(newSessionId(random))).toBe(true);
    }),
  );
});

test("74 bits of a message id and 122 of a session id come from the dice", () => {
  const varying = (ids: readonly string[]) => {
    const numbers = ids.map((id) => BigInt(`0x${id.replaceAll("-", "")}`));
    return numbers
      .reduce((bits, number) => bits | (number ^ (numbers[0] ?? 0n)), 0n)
      .toString(2)
      .replaceAll("0", "").length;
  };
  const each = (length: number) =>
    Array.from({ length: length * 8 + 1 }, (_, bit) => new Uint8Array(length).map((_byte, at) => (at === bit >> 3 ? 1 << (bit & 7) : 0)));
  expect(varying(each(10).map((random) => newMessageId(0, random)))).toBe(74);
  expect(varying(each(16).map((random) => newSessionId(random)))).toBe(122);
});

test.each([
  ["version 4", "01890a5d-ac96-474b-bcce-b302099a8057"],
  ["another variant", "01890a5d-ac96-774b-ccce-b302099a8057"],
  ["uppercase letters", "01890A5D-AC96-774B-BCCE-B302099A8057"],
  ["no dashes", "01890a5dac96774bbcceb302099a8057"],
  ["a line break after it", "01890a5d-ac96-774b-bcce-b302099a8057\n"],
  ["nothing", ""],
])("a UUID with %s is no message id [BODY-2]", (_, text) => {
  expect(isMessageId(text)).toBe(false);
});
