import { expect, test } from "vitest";
import { type Audience, audienceOf, type ErrorCode, errorAudiences, HikyakuError, isErrorCode } from "./errors.ts";

const codes = Object.keys(errorAudiences) as ErrorCode[];
const codesFor = (audience: Audience) => codes.filter((code) => audienceOf(code) === audience).toSorted();

test("every code is told to exactly one kind of audience [ERR-1]", () => {
  const audiences: readonly Audience[] = ["anyone", "offer", "verified-offer", "handshake", "session", "nobody", "local"];
  expect(audiences.flatMap(codesFor).toSorted()).toEqual(codes.toSorted());
});

test("who has not authenticated learns of these codes and of no other [ERR-1]", () => {
  expect(codesFor("anyone")).toEqual([
    "INTERNAL_ERROR",
    "MALFORMED_MESSAGE",
    "MESSAGE_TOO_LARGE",
    "OVERLOADED",
    "RATE_LIMITED",
    "REJECTED",
    "UNSUPPORTED_MEDIA",
  ]);
  expect(codesFor("offer")).toEqual(["INVALID_SIGNATURE", "INVALID_VERSION"]);
  expect(codesFor("handshake")).toEqual(["HANDSHAKE_FAILED"]);
});

test("only the sender of a first message that verified hears of its clock, its replay and whether it is known [ERR-1] [ERR-3]", () => {
  expect(codesFor("verified-offer")).toEqual(["CLOCK_SKEW", "REPLAY_DETECTED", "UNKNOWN_SENDER"]);
});

test("alarms about a peer's key or a downgrade stay on this machine, and a failed seal is told to nobody [ERR-1]", () => {
  for (const code of ["DOWNGRADE_REFUSED", "KEY_CHANGED", "KEY_REVOKED"] as const) expect(audienceOf(code)).toBe("local");
  expect(codesFor("nobody")).toEqual(["DECRYPTION_FAILED"]);
});

test("a name that every object inherits is no code", () => {
  expect(isErrorCode("REJECTED")).toBe(true);
  for (const text of ["toString", "__proto__", "rejected", ""]) expect(isErrorCode(text)).toBe(false);
});

test("a refusal hands on its code, its message and its cause", () => {
  const cause = new Error("below");
  const refusal = new HikyakuError("KEY_FILE", "wanted one key, found none", { cause });
  expect(refusal).toMatchObject({ name: "HikyakuError", code: "KEY_FILE", message: "wanted one key, found none", cause });
});
