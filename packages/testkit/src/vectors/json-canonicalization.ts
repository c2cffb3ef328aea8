/** The test data of RFC 8785 (spec/vectors/json-canonicalization): any JSON text and the one canonical text for it. */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, listVectors, readVectorText } from "./vector-files.ts";

export interface CanonicalizationCase {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  /** The output's bytes, from the hex listing beside it. */
  readonly outputBytes: Bytes;
}

export function readCanonicalizationCases(): readonly CanonicalizationCase[] {
  return listVectors("json-canonicalization/input").map((file) => {
    const name = file.replace(/\.json$/, "");
    return {
      name,
      input: readVectorText(`json-canonicalization/input/${file}`),
      output: readVectorText(`json-canonicalization/output/${file}`),
      outputBytes: bytesOfHex(readVectorText(`json-canonicalization/outhex/${name}.txt`).replaceAll(/\s/g, "")),
    };
  });
}
