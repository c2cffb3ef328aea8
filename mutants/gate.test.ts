import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareMusts } from "../scripts/musts.ts";
import { exceptions } from "./exceptions.ts";
import { gateComplaints, securityFamilies } from "./gate.ts";
import { mutants } from "./list.ts";
import { mutate } from "./mutant.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const { musts } = compareMusts(new Map([["spec", read("spec/protocol.md")]]), new Map());

test("every rule about security has a mutant or a reason why it has none", () => {
  expect(gateComplaints({ musts, mutants, exceptions })).toEqual([]);
  const families = new Set(musts.map((id) => id.replace(/-\d+$/, "")));
  expect(securityFamilies.filter((family) => !families.has(family))).toEqual([]);
});

test.each(mutants.map((mutant) => [mutant.must, mutant.file, mutant] as const))(
  "the mutant of %s in %s still fits its file",
  (_, file, mutant) => {
    expect(mutate(read(file), mutant).kind).toBe("mutated");
  },
);

test.each([
  [{ musts: ["ID-1", "ID-2"], mutants: [{ must: "ID-1" }], exceptions: [] }, "ID-2 has no mutant"],
  [
    { musts: ["ID-1"], mutants: [{ must: "ID-1" }, { must: "ID-9" }], exceptions: [] },
    "a mutant breaks ID-9, which is no must of the spec",
  ],
  [
    { musts: ["ID-1"], mutants: [{ must: "ID-1" }], exceptions: [{ must: "ID-9", why: "" }] },
    "ID-9 is an exception and no must of the spec",
  ],
  [{ musts: ["ID-1"], mutants: [{ must: "ID-1" }], exceptions: [{ must: "ID-1", why: "" }] }, "ID-1 has a mutant and is an exception"],
  [{ musts: ["CLI-1"], mutants: [], exceptions: [] }, "the spec states no must about security at all"],
])("what is wrong is named (%#)", (parts, complaint) => {
  expect(gateComplaints(parts)).toEqual([complaint]);
});

test("a rule of another chapter needs none, and an exception stands in for a mutant", () => {
  const parts = { musts: ["ID-1", "CLI-1"], mutants: [], exceptions: [{ must: "ID-1", why: "nothing to take away" }] };
  expect(gateComplaints(parts)).toEqual([]);
});
