/**
 * What comes back on the connection that carried a frame (spec §9): a 200 with the frames that wait for the caller, or a refusal. Encoding writes
 * constant text around codes and numbers (spec §8); decoding is for hostile bytes: a closed schema, bounded, and whatever is out of form is one
 * refusal.
 */

import { answerCodeOf, decodeRefusal, encodeRefusal, type Reception } from "@hikyaku/peer";
import { type Bytes, concatBytes, decodeUtf8, encodeUtf8, limits } from "@hikyaku/protocol";
import { httpStatusOf } from "./http-status.ts";
import { sliceReplies } from "./reply-slices.ts";

type Received = Extract<Reception, { kind: "received" }>;
type Refused = Extract<Reception, { kind: "refused" }>;

export interface HttpAnswer {
  readonly status: number;
  readonly body: Bytes;
  /** For the Retry-After header. */
  readonly retryAfterS?: number;
}

export const encodeAnswer = (reception: Reception, did: string): HttpAnswer =>
  reception.kind === "received" ? encodeReceived(reception, did) : encodeRefused(reception);

function encodeReceived({ replies, more }: Received, did: string): HttpAnswer {
  const comma = encodeUtf8(",");
  const head = encodeUtf8(`{"status":"received","entity_id":${JSON.stringify(did)},"replies":[`);
  const tail = encodeUtf8(more ? '],"more":true}' : "]}");
  const listed = replies.flatMap((reply, index) => (index === 0 ? [reply] : [comma, reply]));
  return { status: 200, body: concatBytes(head, ...listed, tail) };
}

function encodeRefused(refused: Refused): HttpAnswer {
  const code = answerCodeOf(refused.code);
  const answer = { status: httpStatusOf(code), body: encodeUtf8(encodeRefusal(refused)) };
  // ERR-4: a header would tell one REJECTED from another as well.
  return code === "REJECTED" || refused.retryAfterS === undefined ? answer : { ...answer, retryAfterS: refused.retryAfterS };
}

const outOfForm: Reception = { kind: "refused", code: "MALFORMED_MESSAGE" };

/** Never throws. */
export function decodeAnswer(status: number, body: Bytes): Reception {
  const slices = body.length > limits.answerBytesMax ? undefined : sliceReplies(body);
  const text = slices === undefined ? undefined : decodeUtf8(body);
  if (slices === undefined || text === undefined) return outOfForm;
  const fields = parseObject(text);
  return (status === 200 ? readReceived(fields, slices) : readRefused(fields)) ?? outOfForm;
}

type Fields = Readonly<Record<string, unknown>>;

function readReceived(fields: Fields, slices: readonly Bytes[]): Received | undefined {
  const { status, entity_id: did, replies, more = false, ...rest } = fields;
  if (status !== "received" || !isShortText(did) || typeof more !== "boolean" || !isEmpty(rest)) return undefined;
  if (!Array.isArray(replies) || !replies.every(isObject)) return undefined;
  // A text with a doubled key could show the parser another list than the one that was cut out.
  if (slices.length !== replies.length) return undefined;
  if (slices.reduce((bytes, slice) => bytes + slice.length, 0) > limits.repliesBytesMax) return undefined;
  return { kind: "received", replies: slices, more };
}

/** An answer belongs to the frame that drew it, so it names none. */
function readRefused(fields: Fields): Refused | undefined {
  const told = decodeRefusal(fields);
  return told === undefined || told.ref !== undefined ? undefined : { kind: "refused", ...told.refusal };
}

function parseObject(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const shortText = new RegExp(`^[\\x21-\\x7e]{1,${limits.idLengthMax}}$`);

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isEmpty = (rest: Fields): boolean => Object.keys(rest).length === 0;
const isShortText = (value: unknown): value is string => typeof value === "string" && shortText.test(value);
