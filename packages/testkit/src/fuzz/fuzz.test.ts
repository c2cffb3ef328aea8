/** The judge is judged: each way in which a decoder can be wrong is found, and a sound one is left alone. */
import { type Bytes, encodeUtf8 } from "@hikyaku/protocol";
import { afterEach, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";

const corpus = ['{"a":1}', '{"b":[true,null]}', '"text"'].map((text) => encodeUtf8(text));
const read = (bytes: Bytes): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
};
const strict = (bytes: Bytes): Bytes | undefined => {
  const value = read(bytes);
  const again = value === undefined ? undefined : encodeUtf8(JSON.stringify(value));
  return again?.toString() === bytes.toString() ? again : undefined;
};
const attempt = (reencode: (bytes: Bytes) => Bytes | undefined) => () => fuzz({ corpus, reencode, runs: 2000 });

const objectPrototype = Object.prototype as { polluted?: unknown };
afterEach(() => {
  delete objectPrototype.polluted;
});

test("a sound decoder is left alone, and its outcomes are counted", () => {
  const tally = attempt(strict)();
  expect(tally.accepted).toBeGreaterThan(2);
  expect(tally.accepted + tally.refused).toBe(2000);
});

test.each<[string, (bytes: Bytes) => Bytes | undefined]>([
  ["throws what its parser throws", (bytes) => void JSON.parse(new TextDecoder().decode(bytes))],
  [
    "accepts another spelling",
    (bytes) => {
      const value = read(bytes);
      return value === undefined ? undefined : encodeUtf8(JSON.stringify(value));
    },
  ],
  [
    "copies every key onto what it is given",
    (bytes) => {
      const value = read(bytes);
      if (typeof value === "object" && value !== null && JSON.stringify(value).includes("polluted")) objectPrototype.polluted = 1;
      return undefined;
    },
  ],
  [
    "writes into what it reads",
    (bytes) => {
      bytes[0] = 0;
      return undefined;
    },
  ],
])("a decoder that %s is found, and the seed is said", (_, reencode) => {
  expect(attempt(reencode)).toThrow(/seed: 7340/);
});
