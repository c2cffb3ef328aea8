/**
 * The signature on what a peer offers to another (spec CAP-1): over who says so, to whom, and for how long, so that the list can be kept, and shown, without the session
 * that brought it. Keys are the caller's: here stands only what is signed and what a reader must not believe.
 */
import { type Bytes, decodeHex, encodeHex } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { canonicalJson, type Json } from "../wire/canonical-json.ts";
import type { CapabilityStatement } from "./capability.ts";

/** Who tells whom. */
export interface Telling {
  readonly from: string;
  readonly to: string;
}

export type StatementVerdict =
  | { readonly kind: "signed"; readonly statement: CapabilityStatement; readonly lifeMs: number }
  /** An older peer's answer: it is worth what the session is worth that brought it. */
  | { readonly kind: "unsigned"; readonly statement: CapabilityStatement }
  | { readonly kind: "refused" };

/** The statement with its signature. Throws where it holds what JSON cannot say, such as half a character. */
export const signStatement = (statement: CapabilityStatement, sign: (message: Bytes) => Bytes): CapabilityStatement => ({
  ...statement,
  signature: encodeHex(sign(statementBytes(statement))),
});

/** CAP-3: judges what came from `from` and is meant for `to`. `isSigned` asks the key that is pinned for `from`. */
export function judgeStatement(
  statement: CapabilityStatement,
  { from, to }: Telling,
  isSigned: (message: Bytes, signature: Bytes) => boolean,
): StatementVerdict {
  const { signature, ...said } = statement;
  if ((said.from ?? from) !== from || (said.to ?? to) !== to) return { kind: "refused" };
  if (signature === undefined) return { kind: "unsigned", statement };
  const { issued_at: issuedAt, valid_until: validUntil } = said;
  // What does not say whose it is, for whom and for how long could be anybody's, at any time.
  if (said.from === undefined || said.to === undefined || issuedAt === undefined || validUntil === undefined) return { kind: "refused" };
  if (!isSoundlySigned(said, signature, isSigned)) return { kind: "refused" };
  return { kind: "signed", statement, lifeMs: Math.max(validUntil - issuedAt, 0) };
}

function isSoundlySigned(said: CapabilityStatement, signature: string, isSigned: (message: Bytes, signature: Bytes) => boolean): boolean {
  const decoded = decodeHex(signature, signatureBytes);
  // What has no canonical text was signed by nobody.
  return decoded !== undefined && canBeSigned(said) && isSigned(statementBytes(said), decoded);
}

/** Whether everything in it can be said in canonical JSON: half a character cannot. */
export function canBeSigned(statement: CapabilityStatement): boolean {
  try {
    statementBytes(statement);
    return true;
  } catch {
    return false;
  }
}

const signatureBytes = 64;

const statementBytes = (statement: CapabilityStatement): Bytes =>
  encodeUtf8(`pcp/1 sig capability\0${canonicalJson(statement as unknown as Json)}`);
