/** Every envelope that the wire can express, for properties that have to hold of all of them. */
import type { Bytes, Envelope } from "@hikyaku/protocol";
import fc from "fast-check";

const hexDigit = fc.constantFrom(..."0123456789abcdef".split(""));
const hex = (length: number): fc.Arbitrary<string> => fc.string({ unit: hexDigit, minLength: length, maxLength: length });
const idLetter = fc.constantFrom(
  ...Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at)).filter((letter) => !'"\\'.includes(letter)),
);
const id = fc.string({ unit: idLetter, minLength: 1, maxLength: 128 });
const bytesOf = (length: number): fc.Arbitrary<Bytes> => fc.uint8Array({ minLength: length, maxLength: length });
const type = fc.string({ unit: fc.constantFrom(..."abz09_".split("")), minLength: 1, maxLength: 32 });

/** Whole numbers in every width that a binary form may have, and not only the long ones. */
const count = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(300), fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32));

export const anyEnvelope = (...versions: readonly [string, ...string[]]): fc.Arbitrary<Envelope> =>
  fc.record({
    version: fc.constantFrom(...versions),
    msgType: type,
    senderId: id,
    recipientId: id,
    sessionId: fc
      .tuple(hex(8), hex(4), hex(3), fc.constantFrom("8", "9", "a", "b"), hex(3), hex(12))
      .map(([a, b, c, variant, d, e]) => `${a}-${b}-4${c}-${variant}${d}-${e}`),
    sequenceNum: count,
    timestamp: fc.oneof(fc.integer({ min: 0, max: Date.parse("9999-12-31T23:59:59.999Z") }), fc.nat(300)),
    nonce: bytesOf(32),
    payload: fc.record({ encrypted: fc.boolean(), data: fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 300 })) }),
    signature: bytesOf(64),
  });
