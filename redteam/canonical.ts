/** Handshake payloads, opened and closed again with whatever an attacker would like in them. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "@hikyaku/protocol";

export type Fields = Readonly<Record<string, unknown>>;

/** Canonical JSON, enough of it for handshake payloads: keys in order, no white space. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (isObject(inner) ? inOrder(inner) : inner));

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const inOrder = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).toSorted(([left], [right]) => (left < right ? -1 : 1)));

/** The fields of a payload; none where it is sealed or no object. */
export function parsed(payload: Bytes): Fields {
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload) ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The payload with some fields changed. */
export const edited = (payload: Bytes, change: (fields: Fields) => Fields): Bytes => encodeUtf8(canonical(change(parsed(payload))));
