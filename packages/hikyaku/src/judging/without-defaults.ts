/**
 * A JSON Schema without what it says of values that are left out. By JSON Schema that is a note for readers and no part of judging; filled in, a few kilobytes of it would make
 * a small value a large one. In constants nothing is to be kept: an object among them is no value's equal to the library that judges.
 */
export function withoutDefaults(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaults);
  if (!isRecord(schema)) return schema;
  const { default: _, ...rest } = schema;
  return mapped(rest, (part, keyword) => (named.has(keyword) && isRecord(part) ? mapped(part, withoutDefaults) : withoutDefaults(part)));
}

/** Under these stand names that the author chose, `default` perhaps, each with a schema. */
const named: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "definitions"]);

const mapped = (record: Readonly<Record<string, unknown>>, map: (part: unknown, key: string) => unknown): object =>
  Object.fromEntries(Object.entries(record).map(([key, part]) => [key, map(part, key)]));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
