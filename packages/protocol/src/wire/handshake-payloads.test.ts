import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeBase64 } from "../base/base64.ts";
import { type Bytes, encodeHex, isSameBytes } from "../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { canonicalBytes, type Json } from "./canonical-json.ts";
import {
  type AnswerPayload,
  decodeAnswerPayload,
  decodeConfirmPayload,
  decodeOfferPayload,
  encodeAnswerPayload,
  encodeConfirmPayload,
  encodeOfferPayload,
  type OfferPayload,
} from "./handshake-payloads.ts";

const filled = (byte: number, length = 32): Bytes => new Uint8Array(length).fill(byte);

const offer: OfferPayload = {
  pubkey: filled(1),
  challenge: filled(2),
  versions: ["1.10", "1.9", "1.0"],
  suites: ["X25519_AES256GCM_SHA256", "PLAIN_ED25519"],
  x25519: filled(3),
  features: ["bundle", "chunk.v2"],
  rolloverOf: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
  pairing: filled(4, 16),
};
const answer: AnswerPayload = {
  pubkey: filled(1),
  challenge: filled(2),
  th1: filled(3),
  version: "1.0",
  suite: "X25519_AES256GCM_SHA256",
  versions: ["1.1", "1.0"],
  suites: ["X25519_AES256GCM_SHA256"],
  x25519: filled(4),
  features: [],
};
const mac = filled(5);
const confirm = { th2: filled(6), challengeResponse: mac };

test("the three payloads come back the same", () => {
  expect(decodeOfferPayload(encodeOfferPayload(offer))).toEqual(offer);
  expect(decodeAnswerPayload(encodeAnswerPayload(answer, mac))).toEqual({ answer, challengeResponse: mac });
  expect(decodeConfirmPayload(encodeConfirmPayload(confirm))).toEqual(confirm);
});

test("an offer without its optional fields comes back without them", () => {
  const { features: _features, rolloverOf: _rolloverOf, pairing: _pairing, ...least } = offer;
  expect(decodeOfferPayload(encodeOfferPayload(least))).toEqual(least);
});

type Fields = Record<string, Json>;

/** One payload seen as its wire fields, and whether some bytes are accepted as it. */
interface Form {
  readonly name: string;
  readonly bytes: Bytes;
  readonly optional: readonly string[];
  readonly decode: (bytes: Bytes) => unknown;
  readonly encodeAgain: (bytes: Bytes) => Bytes | undefined;
}

const forms: readonly Form[] = [
  {
    name: "an offer",
    bytes: encodeOfferPayload(offer),
    optional: ["features", "rollover_of", "pairing"],
    decode: decodeOfferPayload,
    encodeAgain: (bytes) => {
      const decoded = decodeOfferPayload(bytes);
      return decoded === undefined ? undefined : encodeOfferPayload(decoded);
    },
  },
  {
    name: "an answer",
    bytes: encodeAnswerPayload(answer, mac),
    optional: ["features"],
    decode: decodeAnswerPayload,
    encodeAgain: (bytes) => {
      const decoded = decodeAnswerPayload(bytes);
      return decoded === undefined ? undefined : encodeAnswerPayload(decoded.answer, decoded.challengeResponse);
    },
  },
  {
    name: "a confirmation",
    bytes: encodeConfirmPayload(confirm),
    optional: [],
    decode: decodeConfirmPayload,
    encodeAgain: (bytes) => {
      const decoded = decodeConfirmPayload(bytes);
      return decoded === undefined ? undefined : encodeConfirmPayload(decoded);
    },
  },
];

const fieldsOf = (bytes: Bytes): Fields => JSON.parse(decodeUtf8(bytes) ?? "") as Fields;

describe.each(forms)("$name", ({ bytes, optional, decode, encodeAgain }) => {
  const fields = fieldsOf(bytes);

  test("has all its fields or is refused [HS-3]", () => {
    const accepted = Object.keys(fields).filter((name) => {
      const { [name]: _, ...others } = fields;
      return decode(canonicalBytes(others)) !== undefined;
    });
    expect(accepted.toSorted()).toEqual(optional.toSorted());
  });

  test("has no field more [HS-3]", () => {
    for (const name of ["extra", "__proto__", "toString"]) {
      const text = (decodeUtf8(bytes) ?? "").replace(/^\{/, () => `{"${name}":1,`);
      expect(decode(canonicalBytes(JSON.parse(text) as Json))).toBeUndefined();
    }
  });

  test("has no field of another kind [HS-3]", () => {
    for (const name of Object.keys(fields)) {
      for (const wrong of [null, 7, true, "", {}, [], ["a"]] as Json[]) {
        const isAllowed = name === "features" && Array.isArray(wrong);
        expect(isAllowed || decode(canonicalBytes({ ...fields, [name]: wrong })) === undefined, `${name}: ${JSON.stringify(wrong)}`).toBe(
          true,
        );
      }
    }
  });

  test("has byte strings of the right length, in lowercase hex [HS-3]", () => {
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value !== "string" || !/^[0-9a-f]{32,}$/.test(value)) continue;
      for (const wrong of [value.slice(2), `${value}00`, value.replace(/^../, "AB"), value.slice(1)]) {
        expect(decode(canonicalBytes({ ...fields, [name]: wrong }))).toBeUndefined();
      }
    }
  });

  test("is refused in any other spelling [HS-3]", () => {
    const text = decodeUtf8(bytes) ?? "";
    for (const spelling of [` ${text}`, `${text}\n`, text.replace('"type"', '"\\u0074ype"'), text.replace("{", '{"type":"pcp-hs9",')]) {
      expect(decode(encodeUtf8(spelling))).toBeUndefined();
    }
  });

  test("is refused under the type of another payload [HS-3]", () => {
    for (const type of ["pcp-hs0", "pcp-hs1", "pcp-hs2", "pcp-hs3"].filter((other) => other !== fields["type"])) {
      expect(decode(canonicalBytes({ ...fields, type }))).toBeUndefined();
    }
  });

  test("nested deeper than four levels, or above 12 KiB, is refused before it is parsed [ENV-3]", () => {
    expect(decode(encodeUtf8("[".repeat(100_000)))).toBeUndefined();
    expect(decode(encodeUtf8("[".repeat(5) + "]".repeat(5)))).toBeUndefined();
    expect(
      decode(canonicalBytes({ ...fields, features: Array.from({ length: 64 }, (_, at) => `${at}-${"a".repeat(250)}`) })),
    ).toBeUndefined();
  });

  test("changed anywhere is refused, or encodes back to the changed bytes [HS-3]", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = bytes.with(at, byte);
        const again = encodeAgain(changed);
        expect(again === undefined || isSameBytes(again, changed)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

const offerWith = (fields: Fields) => decodeOfferPayload(canonicalBytes({ ...fieldsOf(encodeOfferPayload(offer)), ...fields }));
const answerWith = (fields: Fields) => decodeAnswerPayload(canonicalBytes({ ...fieldsOf(encodeAnswerPayload(answer, mac)), ...fields }));

test.each([
  ["rising", ["1.0", "1.1"]],
  ["sorted as text, not as numbers", ["1.9", "1.10"]],
  ["with one version twice", ["1.1", "1.1"]],
  ["with one version in two spellings", ["1.1", "1.01"]],
  ["not quite sorted", ["1.2", "1.0", "1.1"]],
])("a list of versions %s is malformed [HS-4]", (_, versions) => {
  expect(offerWith({ versions })).toBeUndefined();
  expect(answerWith({ versions })).toBeUndefined();
});

test("versions that we do not know are read, since a peer may be newer [HS-4]", () => {
  expect(offerWith({ versions: ["12.0", "1.99", "1.2"] })?.versions).toEqual(["12.0", "1.99", "1.2"]);
});

test.each<[string, Fields]>([
  ["no version", { versions: [] }],
  ["17 versions", { versions: Array.from({ length: 17 }, (_, at) => `1.${20 - at}`) }],
  ["a version that is no version", { versions: ["1.2.3"] }],
  ["no suite", { suites: [] }],
  ["17 suites", { suites: Array.from({ length: 17 }, (_, at) => `SUITE_${at}`) }],
  ["one suite twice", { suites: ["A", "A"] }],
  ["a suite in lowercase", { suites: ["x25519"] }],
  ["65 features", { features: Array.from({ length: 65 }, (_, at) => `f${at}`) }],
  ["a feature of 65 letters", { features: ["a".repeat(65)] }],
  ["one feature twice", { features: ["a", "a"] }],
  ["a feature that is no text", { features: [1] }],
])("a payload that lists %s is refused [HS-3]", (_, fields) => {
  expect(offerWith(fields)).toBeUndefined();
  expect(answerWith(fields)).toBeUndefined();
});

test.each([
  ["a key of version 7", { rollover_of: "3f2b8f4e-6f0c-7c8e-9c5d-0a1b2c3d4e5f" }],
  ["an uppercase UUID", { rollover_of: "3F2B8F4E-6F0C-4C8E-9C5D-0A1B2C3D4E5F" }],
  ["a pairing id of 15 bytes", { pairing: "04".repeat(15) }],
  ["a pairing id of 17 bytes", { pairing: "04".repeat(17) }],
])("an offer with %s is refused [HS-3]", (_, fields) => {
  expect(offerWith(fields)).toBeUndefined();
});

const x25519 = encodeHex(filled(3));
const kem = (length: number) => encodeBase64(filled(9, length));

test("an ML-KEM share beside X25519 is read past, if it has exactly the length of one [HS-3]", () => {
  expect(offerWith({ shares: { x25519, mlkem768: kem(1184) } })?.x25519).toEqual(filled(3));
  expect(answerWith({ shares: { x25519, mlkem768_ct: kem(1088) } })?.answer.x25519).toEqual(filled(3));
});

test.each<[string, Json]>([
  ["a KEM share one byte short", { x25519, mlkem768: kem(1183), mlkem768_ct: kem(1087) }],
  ["an offered KEM key one byte short", { x25519, mlkem768: kem(1183) }],
  ["an offered KEM key one byte long", { x25519, mlkem768: kem(1185) }],
  ["a KEM ciphertext one byte short", { x25519, mlkem768_ct: kem(1087) }],
  ["a KEM ciphertext one byte long", { x25519, mlkem768_ct: kem(1089) }],
  ["a KEM share in hex", { x25519, mlkem768: "00".repeat(1184) }],
  ["both KEM shares", { x25519, mlkem768: kem(1184), mlkem768_ct: kem(1088) }],
  ["another share", { x25519, p256: "00" }],
  ["no X25519 share", { mlkem768: kem(1184) }],
  ["a short X25519 share", { x25519: x25519.slice(2) }],
])("%s is refused on both sides [HS-3]", (_, shares) => {
  expect(offerWith({ shares })).toBeUndefined();
  expect(answerWith({ shares })).toBeUndefined();
});

test("each side's KEM share belongs to that side alone [HS-3]", () => {
  expect(offerWith({ shares: { x25519, mlkem768_ct: kem(1088) } })).toBeUndefined();
  expect(answerWith({ shares: { x25519, mlkem768: kem(1184) } })).toBeUndefined();
});
