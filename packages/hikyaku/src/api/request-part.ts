/** The parts of a request (body, query, path), judged by a schema and refused in our own words. */
import { HikyakuError } from "@hikyaku/protocol";
import type { z } from "zod";

/** The part in its form; throws INVALID_ARGUMENT naming the field that is wrong. */
export function readPart<Value>(part: unknown, schema: z.ZodType<Value>): Value {
  const parsed = schema.safeParse(part);
  if (parsed.success) return parsed.data;
  throw new HikyakuError("INVALID_ARGUMENT", complaint(parsed.error.issues[0]));
}

type Issue = z.core.$ZodIssue;

function complaint(issue: Issue | undefined): string {
  if (issue === undefined) return "The request is not well-formed.";
  if (issue.code === "unrecognized_keys")
    return `There is no field ${JSON.stringify(issue.keys[0]?.slice(0, shownLengthMax))} here: leave it out.`;
  const field = issue.path.length === 0 ? "The request" : issue.path.join(".");
  return `${field} wants ${wanted(issue)}.`;
}

const shownLengthMax = 100;

/** The end of the sentence "This field wants …". */
function wanted(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `${issue.expected}`;
    case "invalid_value":
      return issue.values
        .map(String)
        .join(", ")
        .replace(/, ([^,]+)$/, " or $1");
    case "too_big":
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "too_small":
      return `at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "invalid_format":
    case "custom":
      return issue.message;
    default:
      return "another form";
  }
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
