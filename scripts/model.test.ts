import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judgeBuild, judgePan, type Row } from "./model.ts";

const clean = "State-vector 36 byte, depth reached 77, errors: 0\n      756 states, stored\n";
const broken = `pan:1: assertion violated (got[s]<=1) (at depth 40)
pan: wrote model.pml.trail
Warning: Search not completed
State-vector 36 byte, depth reached 44, errors: 1
      311 states, stored
`;
const ended = (text: string) => ({ status: 0, text });

test("a complete search without errors holds, and tells its states", () => {
  expect(judgePan(ended(clean), "holds")).toEqual({ isSound: true, says: "0 errors", states: 756 });
});

test("a mutant passes when exactly the named assertion breaks", () => {
  expect(judgePan(ended(broken), "(got[s]<=1)").isSound).toBe(true);
  expect(judgePan(ended(broken), "(got[s]").says).toContain("another assertion broke");
  expect(judgePan(ended(broken), "(m.sel==2)").says).toContain("another assertion broke: (got[s]<=1)");
});

test("a mutant that nothing catches fails its row, and so does an error where none may be", () => {
  expect(judgePan(ended(clean), "(got[s]<=1)").says).toBe("expected an error, found none");
  expect(judgePan(ended(broken), "holds").says).toContain("expected 0 errors");
});

test("a deadlock is no broken assertion", () => {
  const deadlock = broken.replace("assertion violated (got[s]<=1)", "invalid end state");
  expect(judgePan(ended(deadlock), "(got[s]<=1)").says).toBe("expected a broken assertion, found: invalid end state");
});

test("a depth limit fails every row", () => {
  const shallow = "error: max search depth too small\n";
  for (const wanted of ["holds", "(got[s]<=1)"])
    for (const output of [clean, broken]) expect(judgePan(ended(shallow + output), wanted).says).toBe("the depth limit was reached");
});

test("a search that was cut short, crashed or printed nothing fails its row", () => {
  expect(judgePan(ended(`Warning: Search not completed\n${clean}`), "holds").says).toBe("the search is not complete");
  expect(judgePan({ status: null, text: clean }, "holds").says).toContain("time-out");
  expect(judgePan({ status: 1, text: broken }, "(got[s]<=1)").says).toContain("exit code 1");
  expect(judgePan(ended(""), "holds").says).toBe("the search printed no result");
});

test("a model that does not build fails its row, mutant or not", () => {
  expect(judgeBuild("gcc", { status: 1, text: "pan.c:1: error: expected ';'\nmore" })?.says).toBe(
    "gcc failed: pan.c:1: error: expected ';'",
  );
  expect(judgeBuild("spin", ended("ltl never claim"))).toBeUndefined();
});

test("every row names a model that is there, every model has a row that holds and one that must break, and no name comes twice", () => {
  const folder = new URL("../spec/models/", import.meta.url);
  const rows = JSON.parse(readFileSync(new URL("rows.json", folder), "utf8")) as readonly Row[];
  const models = readdirSync(folder).filter((name) => name.endsWith(".pml"));
  expect(new Set(rows.map(({ model }) => `${model}.pml`))).toEqual(new Set(models));
  for (const model of models)
    expect(new Set(rows.filter((row) => `${row.model}.pml` === model).map((row) => row.expect === "holds"))).toEqual(
      new Set([true, false]),
    );
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});
