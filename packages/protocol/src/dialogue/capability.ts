import * as z from "zod/mini";
import { capabilitiesMax, featureLengthMax, listedFeaturesMax, nameLengthMax, reasonLengthMax } from "../base/limits.ts";

/** What a peer's agent can do, as it tells another peer. */
export interface Capability {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  /** JSON Schemas of what it takes and gives. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** Whether a task of it that a crash cut short is run again. */
  readonly idempotent?: true;
  readonly limits?: { readonly concurrency: number };
  /** How busy it is now. */
  readonly load?: { readonly running: number; readonly waiting: number };
}

export interface CapabilityQueryBody {
  /** Comes back in the response. */
  readonly n: number;
}

export interface CapabilityResponseBody {
  readonly n: number;
  readonly capabilities: readonly Capability[];
  /** The message types that the asking peer may send here. */
  readonly accepts: readonly string[];
  readonly features: readonly string[];
}

const count = z.int().check(z.nonnegative());
const n = count;
const name = z.string().check(z.minLength(1), z.maxLength(nameLengthMax));
const words = z.readonly(z.array(z.string().check(z.maxLength(featureLengthMax))).check(z.maxLength(listedFeaturesMax)));

export const capabilityQuerySchema: z.ZodMiniType<CapabilityQueryBody> = z.object({ n });
export const capabilityResponseSchema: z.ZodMiniType<CapabilityResponseBody> = z.object({
  n,
  capabilities: z.readonly(
    z
      .array(
        z.object({
          name,
          version: name,
          description: z.exactOptional(z.string().check(z.maxLength(reasonLengthMax))),
          input: z.exactOptional(z.unknown()),
          output: z.exactOptional(z.unknown()),
          idempotent: z.exactOptional(z.literal(true)),
          limits: z.exactOptional(z.object({ concurrency: count.check(z.positive()) })),
          load: z.exactOptional(z.object({ running: count, waiting: count })),
        }),
      )
      .check(z.maxLength(capabilitiesMax)),
  ),
  accepts: words,
  features: words,
});
