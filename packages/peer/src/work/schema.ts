/**
 * What a program says about the form of inputs and outputs: any schema library that follows Standard Schema (https://standardschema.dev), of which only what is used here is
 * written down. Its JSON Schema, where it has one, is what other peers are told.
 */

export interface Schema<Value = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown, options?: Options) => Verdict<Value> | Promise<Verdict<Value>>;
    readonly types?: { readonly input: unknown; readonly output: Value } | undefined;
    readonly jsonSchema?: { readonly input: Converter; readonly output: Converter } | undefined;
  };
}

/** What a schema that takes its time may use: when the signal aborts, nobody waits for its verdict any more. */
interface Options {
  readonly libraryOptions?: { readonly signal?: AbortSignal } | undefined;
}

type Converter = (options: { readonly target: "draft-2020-12" }) => Record<string, unknown>;

type Verdict<Value> = { readonly value: Value; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The value as the schema gives it back, or the first thing that is wrong with it, in words. */
export type Judgement<Value> = { readonly value: Value } | { readonly problem: string };

/** Without a schema everything is right. What the schema itself throws is a problem of the value. Rejects with its reason where `over` aborts before the schema has judged. */
export async function judge<Value>(schema: Schema<Value> | undefined, value: unknown, over?: AbortSignal): Promise<Judgement<Value>> {
  over?.throwIfAborted();
  if (schema === undefined) return { value: value as Value };
  if (over === undefined) return await judgeBy(schema, value, {});
  return await unlessOver(judgeBy(schema, value, { libraryOptions: { signal: over } }), over);
}

async function judgeBy<Value>(schema: Schema<Value>, value: unknown, options: Options): Promise<Judgement<Value>> {
  try {
    const verdict = await schema["~standard"].validate(value, options);
    return verdict.issues === undefined ? { value: verdict.value } : { problem: inWords(verdict.issues[0]) };
  } catch {
    return { problem: "the schema could not judge it" };
  }
}

async function unlessOver<Result>(work: Promise<Result>, over: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(over.reason);
  over.addEventListener("abort", stop, { once: true });
  try {
    const result = await Promise.race([work, promise]);
    over.throwIfAborted();
    return result;
  } finally {
    over.removeEventListener("abort", stop);
  }
}

/** JSON text, or undefined where the schema has no JSON Schema. */
export function jsonSchemaOf(schema: Schema | undefined, side: "input" | "output"): string | undefined {
  const converter = schema?.["~standard"].jsonSchema?.[side];
  return converter === undefined ? undefined : JSON.stringify(converter({ target: "draft-2020-12" }));
}

function inWords(issue: Issue | undefined): string {
  if (issue === undefined) return "the schema refused it";
  const path = issue.path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".") ?? "";
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
