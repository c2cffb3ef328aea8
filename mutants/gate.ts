/** The gate between the rules about security and the mutants: each rule has at least one, or a reason why it has none. */
import type { Mutant } from "./mutant.ts";

/** The families of rules whose breach somebody could use. */
export const securityFamilies = [
  "ID",
  "CRY",
  "ENV",
  "SIG",
  "HS",
  "MSG",
  "LIFE",
  "ORD",
  "LIM",
  "ERR",
  "HTTP",
  "STREAM",
  "TRUST",
  "PAIR",
  "KEY",
  "CTL",
  "FRAME",
  "BUNDLE",
  "CAP",
  "TASK",
  "WAKE",
  "AGENT",
  "MCP",
  "TOOL",
] as const;

export interface Exception {
  readonly must: string;
  readonly why: string;
}

export interface GateParts {
  /** All of the spec. */
  readonly musts: readonly string[];
  readonly mutants: readonly Pick<Mutant, "must">[];
  readonly exceptions: readonly Exception[];
}

/** What is wrong with the list; empty where it is whole. */
export function gateComplaints({ musts, mutants, exceptions }: GateParts): readonly string[] {
  const stated = new Set(musts);
  const mutated = new Set(mutants.map(({ must }) => must));
  const excepted = new Set(exceptions.map(({ must }) => must));
  return [
    ...musts.filter((id) => isOfSecurity(id) && !mutated.has(id) && !excepted.has(id)).map((id) => `${id} has no mutant`),
    ...[...mutated].filter((id) => !stated.has(id)).map((id) => `a mutant breaks ${id}, which is no must of the spec`),
    ...[...excepted].filter((id) => !stated.has(id)).map((id) => `${id} is an exception and no must of the spec`),
    ...[...excepted].filter((id) => mutated.has(id)).map((id) => `${id} has a mutant and is an exception`),
    ...(musts.some(isOfSecurity) ? [] : ["the spec states no must about security at all"]),
  ];
}

const isOfSecurity = (id: string): boolean => (securityFamilies as readonly string[]).includes(id.replace(/-\d+$/, ""));
