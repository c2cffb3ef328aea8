import { expect, test } from "vitest";
import { compareVersions, isProtocolVersion, isSuite, protocolVersions } from "./versions.ts";

test("versions compare as numbers, not as text [HS-4]", () => {
  const sorted = ["1.10", "1.9", "0.3", "10.0", "1.2"].toSorted(compareVersions);
  expect(sorted).toEqual(["0.3", "1.2", "1.9", "1.10", "10.0"]);
  expect(compareVersions("1.1", "1.1")).toBe(0);
});

test("our own list is sorted highest first [HS-4]", () => {
  expect(protocolVersions.toSorted((left, right) => compareVersions(right, left))).toEqual(protocolVersions);
});

test("0.3 is not among the versions, and an inherited name is neither version nor suite [HS-4]", () => {
  for (const text of ["0.3", "1.3", "1.20", "toString", ""]) expect(isProtocolVersion(text)).toBe(false);
  for (const text of ["PLAIN_ED25519", "toString", ""]) expect(isSuite(text)).toBe(false);
});
