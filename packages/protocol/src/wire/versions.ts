/** Protocol versions and suites, best first (spec §0, §4). Version 1.2 signs a digest of the payload; 1.0 and 1.1 sign it whole. */

export const protocolVersions = ["1.2", "1.1", "1.0"] as const;
export type ProtocolVersion = (typeof protocolVersions)[number];

export const isProtocolVersion = (text: string): text is ProtocolVersion => (protocolVersions as readonly string[]).includes(text);

/** Handshake messages always say this, so that any 1.x peer can read them. */
export const handshakeVersion: ProtocolVersion = "1.0";

export const suites = ["X25519_AES256GCM_SHA256"] as const;
export type Suite = (typeof suites)[number];

export const isSuite = (text: string): text is Suite => (suites as readonly string[]).includes(text);

/** Below zero where `left` is the lower version. Compares the numbers, since "1.10" is above "1.9". */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split(".").map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split(".").map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}
