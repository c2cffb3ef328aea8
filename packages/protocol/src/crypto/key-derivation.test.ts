import { readKnownSecrets } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { expandLabel, extract, label, lengthPrefixed, zeroes32 } from "./key-derivation.ts";
import type { Crypto } from "./port.ts";
import { pureCrypto } from "./pure.ts";

const nothing = new Uint8Array(0);

test("a label ends in a zero byte, so that none is the beginning of another", () => {
  expect(label("pcp/1 th1")).toEqual(encodeUtf8("pcp/1 th1\0"));
});

test("a length prefix is four bytes, big-endian", () => {
  expect(lengthPrefixed(new Uint8Array(258)).slice(0, 4)).toEqual(Uint8Array.of(0, 0, 1, 2));
  expect(lengthPrefixed(nothing)).toEqual(new Uint8Array(4));
});

test("Extract keys the MAC with the salt, not with the secret", () => {
  const [salt, inputKey] = [encodeUtf8("salt"), encodeUtf8("secret")];
  expect(extract(pureCrypto, salt, inputKey)).toEqual(pureCrypto.hmacSha256(salt, inputKey));
});

test("XL's info is length ‖ prefixed label ‖ prefixed context, the shape of TLS 1.3 [CRY-4]", () => {
  const infos: Bytes[] = [];
  const listening: Crypto = { ...pureCrypto, expand: (_secret, info, length) => (infos.push(info), new Uint8Array(length)) };
  expandLabel(listening, zeroes32, "key", Uint8Array.of(1, 2, 3), 300);
  expect(infos).toEqual([concatBytes(Uint8Array.of(0x01, 0x2c, 8), encodeUtf8("pcp1 key"), Uint8Array.of(3, 1, 2, 3))]);
});

test("a label or a context that does not fit its length byte is refused, not cut [CRY-4]", () => {
  expect(expandLabel(pureCrypto, zeroes32, "x".repeat(250), new Uint8Array(255), 32).length).toBe(32);
  expect(() => expandLabel(pureCrypto, zeroes32, "x".repeat(251), nothing, 32)).toThrow(RangeError);
  expect(() => expandLabel(pureCrypto, zeroes32, "x", new Uint8Array(256), 32)).toThrow(RangeError);
});

test("the published secrets follow from one another [CRY-4]", () => {
  const cases = readKnownSecrets();
  expect(cases.length).toBe(2);
  for (const known of cases) {
    const derived = expandLabel(pureCrypto, known.handshake_secret, "derived", known.thc, 32);
    expect(expandLabel(pureCrypto, known.handshake_secret, "hs i", known.thc, 32)).toEqual(known.hs_i);
    expect(extract(pureCrypto, derived, zeroes32)).toEqual(known.master_secret);
    expect(expandLabel(pureCrypto, known.master_secret, "ck i2r", known.th2, 32)).toEqual(known.ck_i2r_0);
    expect(expandLabel(pureCrypto, known.ms_i2r_seq3, "key", new Uint8Array(32).fill(0xb4), 44)).toEqual(known.key_iv_i2r_seq3);
  }
});
