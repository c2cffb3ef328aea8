import { expect, test } from "vitest";
import { compareMusts, describeReport } from "./musts.ts";

const spec = new Map([
  ["spec/protocol.md", "# Envelope\n\n- **ENV-1** Ten fields.\n- **ENV-2** Canonical.\nSee **ENV-9** and - **ENV-8** here.\n"],
  ["spec/errors.md", "- **ERR-1** A code has one audience.\n"],
]);
const allCited = new Map([
  ["a.test.ts", 'test("ten [ENV-1] [ERR-1]")'],
  ["b.ts", "// [ENV-2]"],
]);

test("a spec whose every must is cited, and nothing else, is sound", () => {
  const report = compareMusts(spec, allCited);
  expect(report).toEqual({ musts: ["ENV-1", "ENV-2", "ERR-1"], uncited: [], doubled: [], unknown: [] });
  expect(describeReport(report)).toEqual({ lines: ["3 musts, 0 complaints"], isSound: true });
});

test("a must that nobody cites shuts the gate", () => {
  const report = compareMusts(spec, new Map([["a.test.ts", "[ENV-1] ENV-2 (ERR-1)"]]));
  expect(report.uncited).toEqual(["ENV-2", "ERR-1"]);
  expect(describeReport(report)).toMatchObject({
    isSound: false,
    lines: ["no test cites ENV-2", "no test cites ERR-1", expect.anything()],
  });
});

test("a citation of what is no must shuts the gate, and is told once for each file", () => {
  const report = compareMusts(spec, new Map([...allCited, ["c.test.ts", "[ENV-8] [ENV-8] [ENV-10]"]]));
  expect(report.unknown).toEqual(["c.test.ts: [ENV-8]", "c.test.ts: [ENV-10]"]);
  expect(describeReport(report).isSound).toBe(false);
});

test("one id before two musts shuts the gate", () => {
  const report = compareMusts(new Map([...spec, ["spec/more.md", "- **ENV-1** Eleven fields."]]), allCited);
  expect(report.doubled).toEqual(["ENV-1"]);
  expect(describeReport(report).isSound).toBe(false);
});

test("a spec that states no must shuts the gate, since then it was misread", () => {
  expect(describeReport(compareMusts(new Map(), new Map())).isSound).toBe(false);
  expect(compareMusts(new Map([["spec/x.md", "- **ENV-1**\n* **ENV-2** x\n  - **ENV-3** x\n"]]), new Map()).musts).toEqual([]);
});

test("what only looks like a citation is none", () => {
  const code = 'const a = list[ENV]; b[0]; /[A-Z]/; /[A-Z0-9]/; "[env-1]"';
  expect(compareMusts(spec, new Map([["a.ts", code]])).unknown).toEqual([]);
});
