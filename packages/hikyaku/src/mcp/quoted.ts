/**
 * What comes from other peers, as an agent gets it (spec TRUST-4): content with an origin, a trust and the right by which it came, never an instruction. Who speaks is told by the
 * session and by this machine's own trust store, so nothing that stands in the content can change it.
 */
import { readable } from "../text/visible.ts";

interface Origin {
  readonly did: string;
  /** What it is called here. */
  readonly name: string;
}

export interface Quoted {
  readonly origin: Origin;
  readonly trust: string;
  /** The right by which it came in, or `answer` where it answers what this peer asked. */
  readonly scope: string;
  /** With invisible characters made visible; the beginning of its text where it is longer than was asked for. */
  readonly content: unknown;
  /** How long the whole of it is, where this is only the beginning. */
  readonly characters?: number;
}

export interface Speaker extends Origin {
  readonly trust: string;
}

export function quote({ did, name, trust }: Speaker, scope: string, content: unknown, charactersMax: number): Quoted {
  const whole = asReadable(content);
  const text = typeof whole === "string" ? whole : JSON.stringify(whole);
  const isWhole = text.length <= charactersMax;
  return {
    origin: { did, name },
    trust,
    scope,
    content: isWhole ? whole : beginning(text, charactersMax),
    ...(isWhole ? {} : { characters: text.length }),
  };
}

/** A pair of surrogates is not cut in two. */
const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");

/** Every string in it, names of fields included. What was received is bounded in depth, so the recursion is. */
export function asReadable(value: unknown): unknown {
  if (typeof value === "string") return readable(value);
  if (Array.isArray(value)) return value.map(asReadable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [readable(key), asReadable(field)]));
}
