/** What a hostile hand makes of good bytes: a chain of small changes, each of a kind that has broken a decoder somewhere. */
import type { Bytes } from "@hikyaku/protocol";
import fc from "fast-check";

/** One change; places and lengths are taken modulo what is there, so that shrinking keeps every change valid. */
type Change = (bytes: Bytes) => Bytes;

const changesMax = 4;
const sliceMax = 64;
/** Bytes that mean something to a JSON parser, to UTF-8 or to a C program. */
const telling: readonly number[] = [
  0x00, 0x0a, 0x20, 0x22, 0x2c, 0x2d, 0x30, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x80, 0xc0, 0xed, 0xf8, 0xff,
];
/** Texts that have meant something to a JavaScript program. */
const words: readonly Bytes[] = [
  '"__proto__":{"polluted":1},',
  '"constructor":{"prototype":{"polluted":1}},',
  "\\u0000",
  "\\ud800",
  "1e999",
  "-0",
  "9007199254740993",
  "null",
  "[[[[[[[[",
  "\ufeff",
  " ",
  "\n",
].map((text) => new Uint8Array(new TextEncoder().encode(text)));

const marks: ReadonlySet<number> = new Set([0x22, 0x2c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d]);

const join = (...parts: readonly Bytes[]): Bytes => {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

const place = fc.nat();
const byte = fc.oneof(fc.constantFrom(...telling), fc.nat(255));
const length = fc.integer({ min: 1, max: sliceMax });
const within = (at: number, { length: count }: Bytes): number => (count === 0 ? 0 : at % count);
const set = (bytes: Bytes, at: number, value: (old: number) => number): Bytes =>
  bytes.length === 0 ? bytes : bytes.with(within(at, bytes), value(bytes[within(at, bytes)] ?? 0));
const insert = (bytes: Bytes, at: number, piece: Bytes): Bytes => {
  const where = at % (bytes.length + 1);
  return join(bytes.subarray(0, where), piece, bytes.subarray(where));
};

/** A place behind a mark of JSON, where another word may stand; the beginning where there is none. */
function jointOf(bytes: Bytes, at: number): number {
  const joints = [0];
  bytes.forEach((value, index) => {
    if (marks.has(value)) joints.push(index + 1);
  });
  return joints[at % joints.length] ?? 0;
}

/** Members are what stands between commas, without the bracket at either end. */
function swapMembers(bytes: Bytes, at: number, otherAt: number): Bytes {
  const members = Array.from(bytes.subarray(1, -1), (value) => String.fromCharCode(value))
    .join("")
    .split(",");
  const [one, other] = [at % members.length, otherAt % members.length];
  [members[one], members[other]] = [members[other] ?? "", members[one] ?? ""];
  const swapped = Uint8Array.from(members.join(","), (letter) => letter.charCodeAt(0));
  return join(bytes.subarray(0, 1), swapped, bytes.subarray(Math.max(1, bytes.length - 1)));
}

function anyChange(corpus: readonly Bytes[]): fc.Arbitrary<Change> {
  return fc.oneof(
    fc.tuple(place, fc.nat(7)).map(
      ([at, bit]): Change =>
        (bytes) =>
          set(bytes, at, (old) => old ^ (1 << bit)),
    ),
    fc.tuple(place, byte).map(
      ([at, to]): Change =>
        (bytes) =>
          set(bytes, at, () => to),
    ),
    fc.tuple(place, fc.array(byte, { minLength: 1, maxLength: 8 })).map(
      ([at, list]): Change =>
        (bytes) =>
          insert(bytes, at, Uint8Array.from(list)),
    ),
    fc.tuple(place, fc.constantFrom(...words)).map(
      ([at, word]): Change =>
        (bytes) =>
          insert(bytes, jointOf(bytes, at), word),
    ),
    // A piece is left out, or stands there twice or many times.
    fc.tuple(place, length, fc.constantFrom(0, 2, 3, 50)).map(
      ([at, count, times]): Change =>
        (bytes) => {
          const from = within(at, bytes);
          const piece = bytes.slice(from, from + count);
          return join(bytes.subarray(0, from), ...Array.from({ length: times }, () => piece), bytes.subarray(from + count));
        },
    ),
    place.map(
      (at): Change =>
        (bytes) =>
          bytes.slice(0, within(at, bytes)),
    ),
    // Two members change places: the same value, in another order.
    fc.tuple(place, place).map(
      ([at, otherAt]): Change =>
        (bytes) =>
          swapMembers(bytes, at, otherAt),
    ),
    // The head of one with the tail of another.
    fc.tuple(place, place, fc.constantFrom(...corpus)).map(
      ([at, otherAt, other]): Change =>
        (bytes) =>
          join(bytes.subarray(0, within(at, bytes)), other.subarray(within(otherAt, other))),
    ),
  );
}

/** An entry of the corpus after one to four changes; now and then as it stands. */
export function mutated(corpus: readonly Bytes[]): fc.Arbitrary<Bytes> {
  const change = anyChange(corpus);
  const changes = fc.oneof(
    { weight: 20, arbitrary: change.map((one): Change[] => [one]) },
    { weight: 20, arbitrary: fc.array(change, { minLength: 2, maxLength: changesMax, size: "max" }) },
    { weight: 1, arbitrary: fc.constant<Change[]>([]) },
  );
  return fc.tuple(fc.constantFrom(...corpus), changes).map(([entry, list]) => list.reduce((bytes, apply) => apply(bytes), entry));
}
