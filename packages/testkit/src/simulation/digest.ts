/**
 * A digest that is quick and keeps no secret (the mixing of MurmurHash3): equal parts give equal bytes, and any other parts give others, unless somebody searches for two that
 * do not. Nobody in a simulation does.
 */
import type { Bytes } from "@hikyaku/protocol";

/** The digest of parts in their order; where one ends and the next begins counts too. */
export function digestOf(length: number, ...parts: readonly Bytes[]): Bytes {
  mixAll(parts);
  const digest = new Uint8Array(length);
  for (let index = 0; index < length; index += 4) {
    const word = nextWord();
    // A typed array ignores what is written beyond its end.
    digest[index] = word;
    digest[index + 1] = word >>> 8;
    digest[index + 2] = word >>> 16;
    digest[index + 3] = word >>> 24;
  }
  return digest;
}

/** The same as a short text, for tables. */
export function digestTextOf(...parts: readonly Bytes[]): string {
  mixAll(parts);
  const [a, b, c, d] = [nextWord(), nextWord(), nextWord(), nextWord()];
  return String.fromCharCode(a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff);
}

/** One digest is made at a time, so that its state need not be made anew. */
const state = new Int32Array(4);
let turn = 0;

function mixAll(parts: readonly Bytes[]): void {
  state.set(beginning);
  turn = 0;
  for (const part of parts) mix(part);
  // Each word of the state has to reach all others before the first is given away.
  for (let round = 0; round < roundsBefore; round += 1) nextWord();
}

function mix(bytes: Bytes): void {
  const whole = bytes.length & ~3;
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  for (let index = 0; index < whole; index += 4) {
    const word = at(bytes, index) | (at(bytes, index + 1) << 8) | (at(bytes, index + 2) << 16) | (at(bytes, index + 3) << 24);
    const stirred = (stir(a, word) + b) | 0;
    a = b;
    b = c;
    c = d;
    d = stirred;
  }
  let rest = bytes.length;
  for (let index = whole; index < bytes.length; index += 1) rest = Math.imul(rest, 257) + at(bytes, index);
  state[0] = b;
  state[1] = c;
  state[2] = d;
  state[3] = stir(a, rest) + b;
}

function nextWord(): number {
  const place = turn & 3;
  const mixed = (state[place] ?? 0) + (state[(place + 3) & 3] ?? 0) + Math.imul(turn, golden);
  const word = finish(mixed | 0);
  state[place] = word;
  turn += 1;
  return word;
}

const beginning = Int32Array.of(0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93);
const roundsBefore = 8;
const golden = 0x9e3779b9;
const at = (bytes: Bytes, index: number): number => bytes[index] ?? 0;

function stir(before: number, word: number): number {
  const scattered = Math.imul(word, 0xcc9e2d51);
  const mixed = before ^ Math.imul((scattered << 15) | (scattered >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Every bit of the word has a say in every bit of the answer. */
function finish(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const whole = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return whole ^ (whole >>> 16);
}
