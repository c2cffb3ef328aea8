import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBase64 } from "../base/base64.ts";
import { type Bytes, encodeHex, isSameBytes } from "../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { UnsignedEnvelope } from "./envelope.ts";
import { additionalData, headerBytes, signedBytes } from "./signed-bytes.ts";

const sha256 = (data: Bytes): Bytes => pureCrypto.sha256(data);

const sample: UnsignedEnvelope = {
  version: "1.0",
  msgType: "message",
  senderId: "alice",
  recipientId: "bob",
  sessionId: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
  sequenceNum: 7,
  timestamp: 0,
  nonce: new Uint8Array(32).fill(0xab),
  payload: { encrypted: true, data: Uint8Array.of(1, 2, 3, 4) },
};
const wireHeader = {
  msg_type: "message",
  nonce: "ab".repeat(32),
  recipient_id: "bob",
  sender_id: "alice",
  sequence_num: 7,
  session_id: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
  timestamp: "1970-01-01T00:00:00.000Z",
};

test.each(["1.0", "1.1"])("version %s signs its label and the canonical envelope without its signature [SIG-1]", (version) => {
  const expected = canonicalJson({ ...wireHeader, version, payload: { data: encodeBase64(sample.payload.data), encrypted: true } });
  expect(decodeUtf8(signedBytes({ ...sample, version }, sha256))).toBe(`pcp/1 sig envelope\0${expected}`);
});

test.each([true, false])(
  "version 1.2 signs the digest of the raw payload in place of the payload, with encrypted %s [SIG-2]",
  (encrypted) => {
    const { data } = sample.payload;
    const expected = canonicalJson({ ...wireHeader, version: "1.2", payload: { digest: encodeHex(sha256(data)), encrypted } });
    const envelope = { ...sample, version: "1.2", payload: { encrypted, data } };
    expect(decodeUtf8(signedBytes(envelope, sha256))).toBe(`pcp/1.2 sig envelope\0${expected}`);
  },
);

test("additional data is its label and every header field beside encrypted [MSG-3]", () => {
  expect(additionalData(sample)).toEqual(encodeUtf8(`pcp/1 aad\0${canonicalJson({ ...wireHeader, version: "1.0", encrypted: true })}`));
});

test("the header of a handshake message is all fields but payload and signature [HS-2]", () => {
  expect(headerBytes(sample)).toEqual(encodeUtf8(canonicalJson({ ...wireHeader, version: "1.0" })));
});

/** Few and awkward values, so that two envelopes often nearly agree and letters could seem to slide from one field into the next. */
const awkwardText = fc.string({ unit: fc.constantFrom(..."a:,{}".split("")), minLength: 1, maxLength: 3 });
const filled = (length: number) => fc.constantFrom(0, 1, 0x22).map((byte) => new Uint8Array(length).fill(byte));
const awkwardEnvelope = (version: fc.Arbitrary<string>): fc.Arbitrary<UnsignedEnvelope> =>
  fc.record({
    version,
    msgType: fc.constantFrom("a", "aa", "message"),
    senderId: awkwardText,
    recipientId: awkwardText,
    sessionId: fc.constantFrom("3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f", "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e50"),
    sequenceNum: fc.constantFrom(0, 1, 11, 2 ** 53 - 1),
    timestamp: fc.constantFrom(0, 1, 1000),
    nonce: filled(32),
    payload: fc.record({ encrypted: fc.boolean(), data: fc.uint8Array({ maxLength: 3, max: 2 }) }),
  });

const nearby = (envelopes: fc.Arbitrary<UnsignedEnvelope>): fc.Arbitrary<readonly [UnsignedEnvelope, UnsignedEnvelope]> =>
  fc.tuple(envelopes, envelopes, fc.subarray(Object.keys(sample))).map(([one, two, fields]) => {
    const changes = Object.fromEntries(Object.entries(two).filter(([name]) => fields.includes(name)));
    return [one, { ...one, ...changes }];
  });

const identityOf = ({ nonce, payload, ...rest }: UnsignedEnvelope): string =>
  JSON.stringify([
    Object.entries(rest).toSorted(([one], [two]) => (one < two ? -1 : 1)),
    encodeHex(nonce),
    payload.encrypted,
    encodeHex(payload.data),
  ]);

test.each([
  ["1.0 and 1.1 [SIG-1]", fc.constantFrom("1.0", "1.1")],
  ["1.2 [SIG-2]", fc.constant("1.2")],
  ["all versions [SIG-1] [SIG-2]", fc.constantFrom("1.0", "1.1", "1.2")],
])("two different envelopes never share signed bytes: %s", (_, version) => {
  let differing = 0;
  fc.assert(
    fc.property(nearby(awkwardEnvelope(version)), ([one, two]) => {
      const isSame = identityOf(one) === identityOf(two);
      if (!isSame) differing += 1;
      expect(isSameBytes(signedBytes(one, sha256), signedBytes(two, sha256))).toBe(isSame);
    }),
    { numRuns: 500 },
  );
  expect(differing).toBeGreaterThan(100);
});

test("signed bytes, additional data and headers begin with different labels, so one never stands for another [SIG-1] [SIG-2]", () => {
  const starts = [
    signedBytes(sample, sha256),
    signedBytes({ ...sample, version: "1.2" }, sha256),
    additionalData(sample),
    headerBytes(sample),
  ].map((bytes) => decodeUtf8(bytes)?.split("{")[0]);
  expect(starts).toEqual(["pcp/1 sig envelope\0", "pcp/1.2 sig envelope\0", "pcp/1 aad\0", ""]);
});
