/** Where the published vectors lie (`spec/vectors`) and how their bytes are read. They are our own committed files, so their shape is taken at its word. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bytes, decodeHex } from "@hikyaku/protocol";

const folder = fileURLToPath(new URL("../../../../spec/vectors/", import.meta.url));

export function readVectorBytes(path: string): Bytes {
  return new Uint8Array(readFileSync(join(folder, path)));
}

export function readVectorText(path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

export function readVectorJson<Content>(path: string): Content {
  return JSON.parse(readVectorText(path)) as Content;
}

/** File names, sorted, so that a run does not depend on the file system. */
export function listVectors(path: string): readonly string[] {
  return readdirSync(join(folder, path)).toSorted();
}

export function bytesOfHex(text: string): Bytes {
  const bytes = decodeHex(text, text.length / 2);
  if (bytes === undefined) throw new TypeError(`a vector is not hex: ${text}`);
  return bytes;
}
