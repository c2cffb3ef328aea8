import fc from "fast-check";
import { expect, test } from "vitest";
import { messageReader, messageSchema } from "./message.ts";

const id = "01890a5d-ac96-774b-bcce-b302099a8057";
const lane = "0f3a5c7e9b1d2f4a/normal";

/** Values around what each field may be, and names that no field has. */
const fields = fc.record(
  {
    id: fc.constantFrom(id, id.toUpperCase(), `${id} `, "", 1, null),
    sent_at: fc.constantFrom(0, 1, -0, -1, 0.5, 1e21, 2 ** 53, Number.MAX_SAFE_INTEGER, "1", null),
    exp: fc.constantFrom(0, 5, -1, null, "5"),
    reply_to: fc.constantFrom(id, "x", null),
    thread: fc.constantFrom(id, "x", 7),
    traceparent: fc.constantFrom(`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, "00"),
    transient: fc.constantFrom(true, false, 1, null),
    lane: fc.constantFrom(lane, `${lane}\n`, "x/low", 1),
    order: fc.constantFrom(1, 0, -1, 1.5, "1"),
    floor: fc.constantFrom(1, 0, 2 ** 53, null),
    text: fc.constantFrom("hi", "", "a".repeat(64 * 1024), "a".repeat(64 * 1024 + 1), 1, null),
    json: fc.constantFrom(null, 1, "x"),
    constructor: fc.constant("x"),
    more: fc.constant(1),
  },
  { requiredKeys: [] },
);

test("a message is read as its schema reads it, by the short way or the long one [BODY-1]", () => {
  const usual = { id, sent_at: 1, text: "hi" };
  const other = { id, sent_at: 1, json: null };
  const value = fc.oneof(
    fields.map((some): unknown => ({ ...usual, ...some })),
    fields.map((some): unknown => ({ ...other, ...some })),
    fields,
    fc.constantFrom<unknown>(null, undefined, 1, "text", [], [usual], JSON.parse(`{"__proto__":1,"id":"${id}","sent_at":1,"text":"hi"}`)),
  );
  fc.assert(
    fc.property(value, (body) => {
      const [read, judged] = [messageReader.safeParse(body), messageSchema.safeParse(body)];
      expect([read.success, read.data]).toEqual([judged.success, judged.data]);
    }),
    { numRuns: 3000 },
  );
});

test("the short way adds nothing to a usual message and keeps nothing from it", () => {
  const usual = { id, sent_at: 1, exp: 2, lane, order: 3, floor: 2 };
  for (const body of [
    { ...usual, text: "hi" },
    { ...usual, json: { deep: [1] } },
  ])
    expect(messageReader.safeParse(body)).toEqual({ success: true, data: body });
});
