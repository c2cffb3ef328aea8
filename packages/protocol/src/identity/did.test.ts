import { readDidKeyCases } from "@hikyaku/testkit";
import { base58 } from "@scure/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pureCrypto } from "../crypto/pure.ts";
import { decodeDid, encodeDid } from "./did.ts";
import { createIdentity } from "./identity.ts";

const cases = readDidKeyCases();

test("there are published did:key examples to hold us to [ID-1]", () => {
  expect(cases.length).toBe(5);
});

test.each(cases)("$did is the name of its published seed's key [ID-1]", ({ did, seed }) => {
  const identity = createIdentity(pureCrypto, seed);
  expect(identity.did).toBe(did);
  expect(decodeDid(did)).toEqual(identity.publicKey);
});

test("any 32 bytes have one name, and the name gives them back [ID-1]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const did = encodeDid(key);
      expect(did).toMatch(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
      expect(decodeDid(did)).toEqual(key);
    }),
  );
});

const key = new Uint8Array(32).fill(7);
const did = encodeDid(key);
const named = (bytes: readonly number[]) => `did:key:z${base58.encode(Uint8Array.from(bytes))}`;

test.each([
  ["nothing", ""],
  ["the prefix alone", "did:key:z"],
  ["another method", did.replace("did:key", "did:web")],
  ["an uppercase scheme", did.replace("did", "DID")],
  ["a fragment", `${did}#key-1`],
  ["a space after it", `${did} `],
  ["a leading one, base58's zero", did.replace("did:key:z", "did:key:z1")],
  ["base58 written in another base", did.replace("did:key:z", "did:key:m")],
  ["a letter that base58 has not", did.replace(/.$/, "0")],
  ["a key of 31 bytes", named([0xed, 0x01, ...key.slice(1)])],
  ["a key of 33 bytes", named([0xed, 0x01, ...key, 7])],
  ["the codec of X25519", named([0xec, 0x01, ...key])],
  ["the codec in an overlong varint", named([0xed, 0x81, 0x00, ...key.slice(1)])],
  ["another byte after the codec", named([0xed, 0x02, ...key])],
  ["a hundred thousand letters", `did:key:z${"2".repeat(100_000)}`],
])("a did with %s is refused [ID-1]", (_, text) => {
  expect(decodeDid(text)).toBeUndefined();
});

test("a changed letter names another key or none, never the same one [ID-1]", () => {
  fc.assert(
    fc.property(fc.nat(did.length - 1), fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 1 }), (at, letter) => {
      const changed = did.slice(0, at) + letter + did.slice(at + 1);
      const decoded = decodeDid(changed);
      expect(decoded === undefined || encodeDid(decoded) === changed).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
