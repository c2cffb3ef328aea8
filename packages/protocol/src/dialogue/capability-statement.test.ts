import { expect, test } from "vitest";
import { encodeUtf8 } from "../base/utf8.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { decodeBody, encodeBody } from "./bodies.ts";
import type { CapabilityStatement } from "./capability.ts";
import { canBeSigned, judgeStatement, signStatement } from "./capability-statement.ts";

const key = pureCrypto.signingKey(new Uint8Array(32).fill(7));
const isSigned = (message: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): boolean =>
  pureCrypto.verifyingKey(key.publicKey)?.verify(message, signature) === true;
const between = { from: "did:key:a", to: "did:key:b" };
const said: CapabilityStatement = {
  capabilities: [{ name: "sum", version: "1", description: "adds é", input: { type: "array", maximum: 1e21 }, limits: { concurrency: 2 } }],
  accepts: ["message"],
  features: [],
  ...between,
  issued_at: 1_769_904_000_000,
  valid_until: 1_769_904_300_000,
};
const signed = signStatement(said, (message) => key.sign(message));
const judge = (change: object): string => judgeStatement({ ...signed, ...change }, between, isSigned).kind;
/** As it arrives. */
const read = (statement: object): CapabilityStatement => {
  const decoded = decodeBody("capability_response", encodeUtf8(JSON.stringify({ n: 3, ...statement })));
  if (decoded === undefined) throw new Error("that does not read");
  return Object.fromEntries(Object.entries(decoded).filter(([name]) => name !== "n")) as unknown as CapabilityStatement;
};

test("what is signed is the label and the canonical statement without signature and number [CAP-1]", () => {
  // Made by node:crypto from the canonical text, written by hand.
  expect(signed.signature).toBe(
    "58599e47e308f96c16dd98ec8df3740ab7229f65644466552425c309d5937b8be0c5c875a8580eb55854101d7715b525124511175e7ae1f4b107551d0a782000",
  );
  expect(judgeStatement(read(signed), between, isSigned)).toEqual({ kind: "signed", statement: signed, lifeMs: 300_000 });
});

test.each<[string, object]>([
  ["another capability", { capabilities: [{ name: "sum", version: "2" }] }],
  ["one capability less", { capabilities: [] }],
  ["another right", { accepts: ["message", "wake_up"] }],
  ["another feature", { features: ["chunk"] }],
  ["a later end", { valid_until: 1_769_904_300_001 }],
  ["an earlier beginning", { issued_at: 1_769_903_999_999 }],
  ["no beginning", { issued_at: undefined }],
  ["no end", { valid_until: undefined }],
  ["the note that something was left out", { truncated: true }],
  ["a field that was not signed", { from_the_future: 1 }],
  ["another issuer", { from: "did:key:c" }],
  ["another reader", { to: "did:key:c" }],
  ["no issuer", { from: undefined }],
  ["no reader", { to: undefined }],
  ["another signature", { signature: "00".repeat(64) }],
  ["half a character", { capabilities: [{ name: "\ud800", version: "1" }] }],
])("a signed statement with %s is refused [CAP-3]", (_, change) => {
  expect(judge(change)).toBe("refused");
});

test("a statement that somebody else signed, or that was signed for somebody else, is refused [CAP-3]", () => {
  const other = pureCrypto.signingKey(new Uint8Array(32).fill(8));
  expect(judge(signStatement(said, (message) => other.sign(message)))).toBe("refused");
  const forOthers = signStatement({ ...said, to: "did:key:c" }, (message) => key.sign(message));
  expect(judge(forOthers)).toBe("refused");
  expect(judgeStatement(forOthers, { ...between, to: "did:key:c" }, isSigned).kind).toBe("signed");
});

test("fields that only a newer peer knows are covered by its signature, at every depth [CAP-1] [BODY-3]", () => {
  const newer = {
    ...said,
    from_the_future: { a: [1] },
    capabilities: [
      { name: "sum", version: "1", price: 3, limits: { concurrency: 1, perDay: 9 }, load: { running: 0, waiting: 0, eta: 2 } },
    ],
  };
  const body = signStatement(newer, (message) => key.sign(message));
  expect(judgeStatement(read(body), between, isSigned).kind).toBe("signed");
  expect(judgeStatement(read({ ...body, from_the_future: {} }), between, isSigned).kind).toBe("refused");
});

test("an older peer's answer without a signature is read, as long as it names nobody else [CAP-3]", () => {
  const plain = { capabilities: [], accepts: [], features: [] };
  expect(judgeStatement(read(plain), between, isSigned)).toEqual({
    kind: "unsigned",
    statement: { capabilities: [], accepts: [], features: [] },
  });
  expect(judgeStatement({ ...plain, from: "did:key:c" }, between, isSigned).kind).toBe("refused");
  expect(judgeStatement({ ...plain, to: "did:key:c" }, between, isSigned).kind).toBe("refused");
});

test("a statement that ends before it begins is signed, and good for nothing", () => {
  const over = signStatement({ ...said, valid_until: 0 }, (message) => key.sign(message));
  expect(judgeStatement(over, between, isSigned)).toMatchObject({ kind: "signed", lifeMs: 0 });
});

test("half a character cannot be signed", () => {
  const broken = { ...said, capabilities: [{ name: "\udc00", version: "1" }] };
  expect(() => signStatement(broken, (message) => key.sign(message))).toThrow(/surrogate/i);
});

test("a signed answer is a body like any other, and whether it can be signed is known before", () => {
  const answer = { n: 3, ...signed };
  expect(decodeBody("capability_response", encodeBody<"capability_response">(answer))).toEqual(answer);
  expect([canBeSigned(said), canBeSigned({ ...said, accepts: ["\ud800"] })]).toEqual([true, false]);
});
