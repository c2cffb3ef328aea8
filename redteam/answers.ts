/** The two constant refusals that most attacks must get (spec ERR-4), and a count of what was said. */
import type { Answer } from "./source.ts";

export const rejected = '400 {"error":{"code":"REJECTED","rehandshake":true}}';
export const malformed = refusal("MALFORMED_MESSAGE");

export function refusal(code: string): string {
  return `400 {"error":{"code":"${code}"}}`;
}

export const said = ({ status, text }: Answer): string => `${status} ${text}`;

/** How often each of these occurs. */
export function countOf(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** Counts of refusals as the node names its counters. */
export const asRises = (codes: readonly string[]): Readonly<Record<string, number>> => countOf(codes.map((code) => `refused.${code}`));
