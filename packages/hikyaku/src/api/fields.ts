/** The forms of the fields that several resources of the control interface share. */
import { limits, type Scope, scopes } from "@hikyaku/protocol";
import { z } from "zod";

/** A name or a did. */
export const peerReference: z.ZodType<string> = z.string().min(1).max(limits.idLengthMax);

export const petName: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "letters, digits, dots, dashes or underscores, beginning with a letter or digit")
  .max(limits.nameLengthMax);

export const allowed: z.ZodType<Scope[]> = z.array(z.enum(scopes)).max(scopes.length);

/** How far a message shall have come. */
export const stage: z.ZodType<"stored" | "delivered" | "handled"> = z.enum(["stored", "delivered", "handled"]);

export const timeoutMs: z.ZodType<number> = z.int().min(1).max(limits.requestTimeoutMsMax);
