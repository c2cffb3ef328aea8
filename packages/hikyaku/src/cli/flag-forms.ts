/** The forms of arguments and flags, each refused in a sentence that says what it wants; and what every command has. */
import { isScope, limits, scopes } from "@hikyaku/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { type Endpoint, isLoopbackHost, parseEndpoint } from "../config/endpoint.ts";

export const command = (program: Command, name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option("--folder <path>", "where key and messages live")
    .option("--json", "print JSON, one value a line");

export const present = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };

export const asList = (text: string): string[] => text.split(",").map((part) => part.trim());

export function asScopes(text: string): string[] {
  const listed = asList(text).filter((part) => part !== "");
  const wrong = listed.find((part) => !isScope(part));
  if (wrong !== undefined)
    throw new InvalidArgumentError(`There is no scope ${JSON.stringify(wrong)}; the scopes are ${scopes.join(", ")}.`);
  return listed;
}

export const asScopesOrNone = (text: string): string[] => (text.trim() === "none" ? [] : asScopes(text));

export function asName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) && text.length <= limits.nameLengthMax) return text;
  throw new InvalidArgumentError(`It wants at most ${limits.nameLengthMax} letters, digits, dots, dashes or underscores.`);
}

export function asLoopback(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined && isLoopbackHost(endpoint.host)) return endpoint;
  throw new InvalidArgumentError("It wants a loopback address of this machine and a port, such as 127.0.0.1:7342.");
}

export function asStage(text: string): string {
  if (["stored", "delivered", "handled"].includes(text)) return text;
  throw new InvalidArgumentError("It wants stored, delivered or handled.");
}

export type DeadAction = "retry" | "drop";

export function asDeadAction(text: string): DeadAction {
  if (text === "retry" || text === "drop") return text;
  throw new InvalidArgumentError("It wants retry or drop, or nothing to list them.");
}

export function asCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= limits.inboxPageMax) return count;
  throw new InvalidArgumentError(`It wants a number from 1 to ${limits.inboxPageMax}.`);
}

export function asReportCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= limits.statusReportsKept) return count;
  throw new InvalidArgumentError(`It wants a number from 1 to ${limits.statusReportsKept}.`);
}

export const asSeconds = (text: string): number => asMs(text, limits.requestTimeoutMsMax);

/** As long as a task may live. */
export const asTaskSeconds = (text: string): number => asMs(text, limits.taskLifeMsMax);

function asMs(text: string, msMax: number): number {
  const ms = Number(text) * 1000;
  if (Number.isFinite(ms) && ms >= 1 && ms <= msMax) return Math.ceil(ms);
  throw new InvalidArgumentError(`It wants seconds, at most ${msMax / 1000}.`);
}

export function asCursor(text: string): number {
  const cursor = Number(text);
  if (Number.isSafeInteger(cursor) && cursor >= 0) return cursor;
  throw new InvalidArgumentError("It wants the number of an event.");
}

export function asAllowed(text: string): "all" | string[] {
  const word = text.trim();
  if (word === "all") return word;
  return word === "none" ? [] : asList(text).filter((part) => part !== "");
}

export const asWholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It wants a number from ${min} to ${max}.`);
  };

export function asWord(text: string): string {
  if (text.length > 0 && text.length <= limits.nameLengthMax) return text;
  throw new InvalidArgumentError(`It wants 1 to ${limits.nameLengthMax} characters.`);
}
