/** What fuzzing begins with: published texts that are meant to break parsers, and messages that two other programs computed. */
import { type Bytes, decodeEnvelope, encodeUtf8 } from "@hikyaku/protocol";
import type { KnownAnswerCase } from "../vectors/handshake-replay.ts";
import { readParserCases } from "../vectors/json-test-suite.ts";
import { readVectorJson } from "../vectors/vector-files.ts";

/** One of these has a hundred thousand brackets; every copy of it costs time and finds nothing new. */
const entryBytesMax = 4096;

export const readHostileTexts = (): readonly Bytes[] =>
  readParserCases()
    .map(({ bytes }) => bytes)
    .filter((bytes) => bytes.length <= entryBytesMax);

/** The first messages of two sessions, by what they are. */
export const readKnownMessages = (): readonly Bytes[] =>
  readVectorJson<{ readonly cases: readonly KnownAnswerCase[] }>("pcp/known-answers.json").cases.flatMap(({ messages }) =>
    Object.values(messages).map((text) => encodeUtf8(text)),
  );

/** HS1 and HS2 as they travel in those. */
export const readKnownOffersAndAnswers = (): readonly Bytes[] =>
  readKnownMessages().flatMap((message) => {
    const envelope = decodeEnvelope(message);
    return envelope === undefined || envelope.payload.encrypted ? [] : [envelope.payload.data];
  });
