/**
 * Just enough of Ed25519 (RFC 8032 §5.1) to make keys and signatures that no honest library would: affine points, slow and plain, with no care for secrets.
 * Written down here once more, so that an attack does not lean on the code that it attacks.
 */
import { createHash } from "node:crypto";
import { type Bytes, concatBytes } from "@hikyaku/protocol";

const p = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const d = mod(-121665n * inverse(121666n));

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const zero: Point = { x: 0n, y: 1n };
const base: Point = {
  x: 15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  y: 46316835694926478169428394003475163141307993866256225615783033603165251855960n,
};
/** Of order two. */
const two: Point = { x: 0n, y: p - 1n };

function mod(value: bigint, by: bigint = p): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

function power(of: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(of);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function inverse(of: bigint): bigint {
  return power(of, p - 2n);
}

function add(left: Point, right: Point): Point {
  const product = mod(d * left.x * right.x * left.y * right.y);
  return {
    x: mod((left.x * right.y + right.x * left.y) * inverse(1n + product)),
    y: mod((left.y * right.y + left.x * right.x) * inverse(1n - product)),
  };
}

function times(scalar: bigint, point: Point): Point {
  let result = zero;
  let doubled = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = add(result, doubled);
    doubled = add(doubled, doubled);
  }
  return result;
}

function encodeNumber(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

const decodeNumber = (encoded: Bytes): bigint => encoded.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

const encode = ({ x, y }: Point): Bytes => encodeNumber(y | ((x & 1n) << 255n));

const challengeOf = (r: Bytes, key: Bytes, message: Bytes): bigint =>
  mod(
    decodeNumber(
      new Uint8Array(
        createHash("sha512")
          .update(concatBytes(r, key, message))
          .digest(),
      ),
    ),
    order,
  );

/** The key of a scalar with a point of order two added: a signature under it verifies for every second message. */
export const mixedKey = (scalar: bigint): Bytes => encode(add(times(scalar, base), two));

/** A signature with the given scalar, or with none for keys of small order; undefined where the small part of the key does not vanish for this message. */
export function forgeSignature(message: Bytes, key: Bytes, scalar = 0n): Bytes | undefined {
  // R is the base point itself: there is no secret here for a better one to guard.
  const r = encode(base);
  const challenge = challengeOf(r, key, message);
  return challenge % 8n === 0n ? concatBytes(r, encodeNumber(mod(1n + challenge * scalar, order))) : undefined;
}
