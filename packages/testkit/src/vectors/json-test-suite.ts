/** JSONTestSuite (spec/vectors/json-test-suite): texts, not all of them UTF-8, and what a parser has to do with each, read from the first letter of its name. */
import type { Bytes } from "@hikyaku/protocol";
import { listVectors, readVectorBytes } from "./vector-files.ts";

export type ParserVerdict = "accept" | "refuse" | "either";

export interface ParserCase {
  readonly name: string;
  readonly verdict: ParserVerdict;
  readonly bytes: Bytes;
}

const verdicts: Readonly<Record<string, ParserVerdict>> = { y: "accept", n: "refuse", i: "either" };

export function readParserCases(): readonly ParserCase[] {
  return listVectors("json-test-suite/test_parsing").map((name) => {
    const verdict = verdicts[name.slice(0, 1)];
    if (verdict === undefined) throw new TypeError(`${name} says no verdict`);
    return { name, verdict, bytes: readVectorBytes(`json-test-suite/test_parsing/${name}`) };
  });
}
