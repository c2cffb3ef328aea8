/**
 * JSON from and to bytes. Two readers stand here: a strict one for what is signed as text, where one value has exactly one spelling (RFC 8785, spec
 * ENV-2), and a plain one for message bodies, which are sealed as bytes and never written again.
 */
import canonicalize from "canonicalize";
import type { Bytes } from "../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { isShallow } from "./depth-scan.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The one canonical text of a value. Throws on what JSON cannot say: that would be a mistake of ours. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("a value without a JSON form");
  return text;
}

export const canonicalBytes = (value: Json): Bytes => encodeUtf8(canonicalJson(value));

/** The value, only where the bytes are already its canonical text: so duplicate keys, escapes, `-0`, `1e2`, lone surrogates, marks and white space all fail. */
export function readCanonicalJson(bytes: Bytes, depthMax: number): Json | undefined {
  const parsed = parse(bytes, depthMax);
  if (parsed === undefined) return undefined;
  try {
    return canonicalize(parsed.value) === parsed.text ? parsed.value : undefined;
  } catch {
    // The canonicaliser refuses lone surrogates by throwing.
    return undefined;
  }
}

/** The value of well-formed JSON of bounded depth, in any spelling. */
export function readJson(bytes: Bytes, depthMax: number): Json | undefined {
  return parse(bytes, depthMax)?.value;
}

function parse(bytes: Bytes, depthMax: number): { readonly text: string; readonly value: Json } | undefined {
  if (!isShallow(bytes, depthMax)) return undefined;
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    return { text, value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}
