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

/** What a peer offers to one other. With its signature whoever sees it can tell who said so, to whom, and until when (spec CAP-1). */
export interface CapabilityStatement {
  readonly capabilities: readonly Capability[];
  /** The message types that the asking peer may send here. */
  readonly accepts: readonly string[];
  readonly features: readonly string[];
  /** Whether something was left out, since all of it would not have fitted. */
  readonly truncated?: true;
  /** Dids of whoever says this, and of whoever is told. */
  readonly from?: string;
  readonly to?: string;
  /** Milliseconds since 1970, by the clock of whoever says this. */
  readonly issued_at?: number;
  readonly valid_until?: number;
  /** 128 hex digits. */
  readonly signature?: string;
}

export interface CapabilityResponseBody extends CapabilityStatement {
  readonly n: number;
}

const count = z.int().check(z.nonnegative());
const n = count;
const name = z.string().check(z.minLength(1), z.maxLength(nameLengthMax));
const words = z.readonly(z.array(z.string().check(z.maxLength(featureLengthMax))).check(z.maxLength(listedFeaturesMax)));
const id = z.string().check(z.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/));

export const capabilityQuerySchema: z.ZodMiniType<CapabilityQueryBody> = z.object({ n });
/** Loose, unlike other bodies: the signature covers every field that was sent, also those that only a newer peer knows. */
export const capabilityResponseSchema: z.ZodMiniType<CapabilityResponseBody> = z.looseObject({
  n,
  capabilities: z.readonly(
    z
      .array(
        z.looseObject({
          name,
          version: name,
          description: z.exactOptional(z.string().check(z.maxLength(reasonLengthMax))),
          input: z.exactOptional(z.unknown()),
          output: z.exactOptional(z.unknown()),
          idempotent: z.exactOptional(z.literal(true)),
          limits: z.exactOptional(z.looseObject({ concurrency: count.check(z.positive()) })),
          load: z.exactOptional(z.looseObject({ running: count, waiting: count })),
        }),
      )
      .check(z.maxLength(capabilitiesMax)),
  ),
  accepts: words,
  features: words,
  truncated: z.exactOptional(z.literal(true)),
  from: z.exactOptional(id),
  to: z.exactOptional(id),
  issued_at: z.exactOptional(count),
  valid_until: z.exactOptional(count),
  signature: z.exactOptional(z.string().check(z.regex(/^[0-9a-f]{128}$/))),
});
