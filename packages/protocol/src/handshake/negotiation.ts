/** The choice of version and suite: a function of two signed lists, so that both sides compute the same and a downgrade shows (spec HS-5). */
import { isProtocolVersion, isSuite, type ProtocolVersion, type Suite } from "../wire/versions.ts";

export interface Abilities {
  /** Highest first. */
  readonly versions: readonly ProtocolVersion[];
  /** Best first. */
  readonly suites: readonly Suite[];
  readonly features: readonly string[];
}

/** The first entry of the initiator's list that the responder's list holds too. */
const firstCommon = (offered: readonly string[], supported: readonly string[]): string | undefined =>
  offered.find((item) => supported.includes(item));

export function chooseVersion(offered: readonly string[], supported: readonly string[]): ProtocolVersion | undefined {
  const version = firstCommon(offered, supported);
  return version !== undefined && isProtocolVersion(version) ? version : undefined;
}

export function chooseSuite(offered: readonly string[], supported: readonly string[]): Suite | undefined {
  const suite = firstCommon(offered, supported);
  return suite !== undefined && isSuite(suite) ? suite : undefined;
}

export const commonFeatures = (ours: readonly string[], theirs: readonly string[] = []): readonly string[] =>
  ours.filter((feature) => theirs.includes(feature));
