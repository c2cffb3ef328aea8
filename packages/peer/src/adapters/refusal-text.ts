/**
 * A refusal as it stands on every transport (spec §8): the same members in the body of an HTTP answer and in an error message on a stream, which names the refused
 * frame besides. It is unsigned and goes to somebody whom nobody has authenticated, so a code for authenticated peers, for our own counters or for our own people has
 * no place in it: neither in what we say nor in what we believe. Decoding is for hostile values: closed and bounded.
 */
import { type Audience, audienceOf, type ErrorCode, isErrorCode, limits } from "@hikyaku/protocol";
import type { Refusal } from "../ports/link.ts";

export interface ToldRefusal {
  readonly refusal: Refusal;
  /** The nonce of the refused frame, in hex. */
  readonly ref: string | undefined;
}

const strangers: ReadonlySet<Audience> = new Set(["anyone", "offer", "verified-offer", "handshake"]);

const isAnswerCode = (code: ErrorCode): boolean => strangers.has(audienceOf(code));

/** §8: whatever strangers may not learn is REJECTED to them. */
export const answerCodeOf = (code: ErrorCode): ErrorCode => (isAnswerCode(code) ? code : "REJECTED");

/** Constant text around codes and numbers. */
export function encodeRefusal({ code: trueCode, retryAfterS, versions, correlationId }: Refusal, ref?: string): string {
  const code = answerCodeOf(trueCode);
  // ERR-4: one text for every REJECTED, whatever the reason, so that nothing shows whether a session existed.
  if (code === "REJECTED") return JSON.stringify({ error: { code, ref, rehandshake: true } });
  return JSON.stringify({ error: { code, ref, retry_after: retryAfterS, versions, correlation_id: correlationId } });
}

/** Takes what a parser made of the text. Undefined where it is out of form. */
export function decodeRefusal(value: unknown): ToldRefusal | undefined {
  if (!isObject(value)) return undefined;
  const { error, ...besides } = value;
  if (!isObject(error) || !isEmpty(besides)) return undefined;
  const { code, ref, retry_after: retryAfterS, versions, correlation_id: correlationId, rehandshake, ...rest } = error;
  if (typeof code !== "string" || !isErrorCode(code) || !isAnswerCode(code) || !isEmpty(rest)) return undefined;
  if (!isAbsentOr(retryAfterS, isWait) || !isAbsentOr(versions, isVersionList) || !isAbsentOr(ref, isNonce)) return undefined;
  if (!isAbsentOr(correlationId, isShortText) || (rehandshake !== undefined && rehandshake !== true)) return undefined;
  const refusal: Refusal = {
    code,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
    ...(versions === undefined ? {} : { versions }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  return { refusal, ref };
}

type Fields = Readonly<Record<string, unknown>>;

const shortText = new RegExp(`^[\\x21-\\x7e]{1,${limits.idLengthMax}}$`);
const versionText = /^[0-9]{1,3}\.[0-9]{1,3}$/;
const nonceText = /^[0-9a-f]{64}$/;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isEmpty = (rest: Fields): boolean => Object.keys(rest).length === 0;
const isShortText = (value: unknown): value is string => typeof value === "string" && shortText.test(value);
const isNonce = (value: unknown): value is string => typeof value === "string" && nonceText.test(value);
const isWait = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limits.retryAfterSMax;
const isVersionText = (value: unknown): value is string => typeof value === "string" && versionText.test(value);
const isVersionList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= limits.listedVersionsMax && value.every(isVersionText);
const isAbsentOr = <Wanted>(value: unknown, is: (value: unknown) => value is Wanted): value is Wanted | undefined =>
  value === undefined || is(value);
