/** A list of capabilities as it fits into one body (spec CAP-5): what is longest and least needed goes first, and the list says that something is missing. */
import { type Capability, encodeUtf8 } from "@hikyaku/protocol";

export interface FittingList {
  readonly capabilities: readonly Capability[];
  readonly isWhole: boolean;
}

type SpareField = "input" | "output" | "description";

interface Spare {
  readonly at: number;
  readonly field: SpareField;
  readonly bytes: number;
}

/** Schemas from the largest on, then descriptions, and in the end whole capabilities from the last on. */
export function fitInto(capabilities: readonly Capability[], bytesMax: number): FittingList {
  let excess = bytesOf(capabilities) - bytesMax;
  if (excess <= 0) return { capabilities, isWhole: true };
  const dropped = new Map<number, SpareField[]>();
  for (const { at, field, bytes } of sparesOf(capabilities)) {
    if (excess <= 0) break;
    dropped.set(at, [...(dropped.get(at) ?? []), field]);
    excess -= bytes;
  }
  const shorter = capabilities.map((capability, at) => without(capability, dropped.get(at) ?? []));
  while (excess > 0) excess -= bytesOf(shorter.pop()) + 1;
  return { capabilities: shorter, isWhole: false };
}

function sparesOf(capabilities: readonly Capability[]): readonly Spare[] {
  const sparesIn = (fields: readonly SpareField[]): readonly Spare[] =>
    capabilities
      .flatMap((capability, at) =>
        fields.filter((field) => field in capability).map((field) => ({ at, field, bytes: weigh(capability, field) })),
      )
      .sort((left, right) => right.bytes - left.bytes);
  return [...sparesIn(["input", "output"]), ...sparesIn(["description"])];
}

/** With its name, both quotes, the colon and the comma before it. */
const weigh = (capability: Capability, field: SpareField): number => bytesOf(capability[field]) + field.length + 4;

const without = (capability: Capability, fields: readonly SpareField[]): Capability =>
  Object.fromEntries(Object.entries(capability).filter(([name]) => !fields.includes(name as SpareField))) as unknown as Capability;

const bytesOf = (value: unknown): number => encodeUtf8(JSON.stringify(value) ?? "").length;
