/** Every decoder of the core against mutated bytes. What `fuzz` judges of each: its own outcome, no exception, no changed prototype, accepted means written again. */
import {
  fuzz,
  mutated,
  readDidKeyCases,
  readHostileTexts,
  readKnownMessages,
  readKnownOffersAndAnswers,
  type Tally,
} from "@hikyaku/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes } from "./base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "./base/utf8.ts";
import { type BodyByType, type DialogueType, decodeBody, encodeBody, isDialogueType } from "./dialogue/bodies.ts";
import { decodeDid, encodeDid } from "./identity/did.ts";
import { decodeBinaryFrame, encodeBinaryFrame } from "./wire/binary-frame.ts";
import { decodeBundle, encodeBundle } from "./wire/bundle.ts";
import { canonicalBytes, readCanonicalJson } from "./wire/canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "./wire/envelope.ts";
import {
  decodeAnswerPayload,
  decodeConfirmPayload,
  decodeOfferPayload,
  encodeAnswerPayload,
  encodeConfirmPayload,
  encodeOfferPayload,
} from "./wire/handshake-payloads.ts";
import { factsOf, messageTypeNames } from "./wire/message-types.ts";
import { decodePairingLink, encodePairingLink } from "./wire/pairing-link.ts";

const runs = 1500;

/**
 * Both outcomes happened, and none took long. The rule is 50 ms a call; on a machine that does other things as well a single call may wait for its turn, so
 * the middle one is held to far less and the slowest to a second: a decoder whose time explodes is above both.
 */
function expectSound({ accepted, refused, medianMs, slowestMs }: Tally): void {
  expect(accepted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(runs / 10);
  expect(medianMs).toBeLessThan(5);
  expect(slowestMs).toBeLessThan(1000);
}

const hostile = readHostileTexts();
const messages = readKnownMessages();
const payloads = readKnownOffersAndAnswers();
const did = readDidKeyCases().map((known) => known.did);

const sample = decodeEnvelope(messages[0] ?? new Uint8Array()) as Envelope;
/** One envelope of every type, and some whose type is a name that every object has. */
const envelopes = [...messageTypeNames, "constructor", "__proto__", "tostring"].map((msgType, index) =>
  encodeEnvelope({
    ...sample,
    msgType,
    sequenceNum: index,
    payload: { encrypted: index % 2 === 0, data: sample.payload.data.slice(0, index) },
  }),
);

test("a mutated envelope is refused, or is the canonical form of what it says [ENV-1] [ENV-2] [ENV-3]", () => {
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const envelope = decodeEnvelope(bytes);
    return envelope === undefined ? undefined : encodeEnvelope(envelope);
  };
  expectSound(fuzz({ corpus: [...messages, ...envelopes, ...hostile], reencode, runs }));
});

test("an envelope with a mutated value in one field is refused, or is the canonical form of what it says [ENV-2] [ENV-4] [ENV-5]", () => {
  const text = decodeUtf8(envelopes[0] ?? new Uint8Array()) ?? "";
  const fields = Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>);
  const value = fc.oneof(
    fc.jsonValue(),
    mutated(fields.map(([, old]) => encodeUtf8(String(old)))).map((bytes) => new TextDecoder().decode(bytes)),
    fc.constantFrom(-1, 0, 2 ** 53, 1e21, "", "2026-02-30T00:00:00.000Z", "+275760-09-13T00:00:00.000Z", "9999-12-31T24:00:00.000Z"),
  );
  const beside = fc
    .tuple(fc.constantFrom(...fields), value)
    .map(([[, old], other]) => encodeUtf8(text.replace(JSON.stringify(old), () => JSON.stringify(other))));
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const envelope = decodeEnvelope(bytes);
    return envelope === undefined ? undefined : encodeEnvelope(envelope);
  };
  expectSound(fuzz({ corpus: envelopes, reencode, runs, beside }));
});

/** Heads of every kind, in place of what stood there: lengths that lie, lengths left open, tags, maps, floats, forms that are not the shortest. */
const withHostileHead = (corpus: readonly Bytes[]): fc.Arbitrary<Bytes> =>
  fc
    .tuple(
      fc.constantFrom(...corpus),
      fc.nat(),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom(
        0x00,
        0x18,
        0x1b,
        0x1f,
        0x20,
        0x3b,
        0x40,
        0x5b,
        0x5f,
        0x60,
        0x7b,
        0x7f,
        0x80,
        0x9b,
        0x9f,
        0xa0,
        0xbf,
        0xc0,
        0xdb,
        0xf4,
        0xf7,
        0xfb,
        0xff,
      ),
      fc.uint8Array({ maxLength: 8 }),
      fc.constantFrom(1, 1, 1, 5_000),
    )
    .map(([bytes, place, gone, head, rest, times]) => {
      const at = place % bytes.length;
      const heads = Array.from({ length: times }, () => Uint8Array.of(head));
      return concatBytes(bytes.slice(0, at), ...heads, rest, bytes.slice(at + gone));
    });

const reframe = (bytes: Bytes): Bytes | undefined => {
  const envelope = decodeBinaryFrame(bytes);
  return envelope === undefined ? undefined : encodeBinaryFrame(envelope);
};

test("a mutated frame is refused, or is the one binary form of what it says [FRAME-1] [FRAME-2] [FRAME-3]", () => {
  const known = [...messages, ...envelopes].map((bytes) => decodeEnvelope(bytes)).filter((envelope) => envelope !== undefined);
  const frames = known
    .filter(({ msgType }) => !msgType.startsWith("handshake"))
    .map((envelope) => encodeBinaryFrame({ ...envelope, version: "1.2" }));
  expectSound(fuzz({ corpus: [...frames, ...hostile.slice(0, 20)], reencode: reframe, runs: 2 * runs, beside: withHostileHead(frames) }));
});

test("a mutated bundle is refused, or is the one form of what it says [BUNDLE-1] [BUNDLE-3] [BUNDLE-4]", () => {
  const types = messageTypeNames.filter((type) => type !== "bundle" && factsOf(type).kind !== "handshake");
  const bundles = (["high", "normal", "low"] as const).flatMap((priority) => {
    const items = types
      .filter((type) => factsOf(type).priority === priority)
      .map((msgType) => ({ msgType, body: encodeUtf8(`{"n":"${msgType}"}`) }));
    return [
      encodeBundle(items),
      encodeBundle(items.slice(0, 1)),
      encodeBundle(Array.from({ length: 60 }, () => items[0] ?? { msgType: "ping", body: new Uint8Array() })),
    ];
  });
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const items = decodeBundle(bytes);
    return items === undefined ? undefined : encodeBundle(items);
  };
  expectSound(fuzz({ corpus: [...bundles, ...hostile.slice(0, 20)], reencode, runs: 2 * runs, beside: withHostileHead(bundles) }));
});

describe("a mutated handshake payload is refused, or is the canonical form of what it says [HS-3]:", () => {
  const offer = decodeOfferPayload(payloads[0] ?? new Uint8Array());
  const answer = decodeAnswerPayload(payloads[1] ?? new Uint8Array());
  if (offer === undefined || answer === undefined) throw new Error("the known messages hold no offer or no answer");
  const rich = { features: ["chunk", "x.y-z"], rolloverOf: sample.sessionId, pairing: offer.pubkey.slice(0, 16) };
  const offers = [encodeOfferPayload({ ...offer, ...rich }), encodeOfferPayload({ ...offer, features: [] })];
  const answers = [encodeAnswerPayload({ ...answer.answer, features: ["chunk"] }, answer.challengeResponse)];
  const confirms = [encodeConfirmPayload({ th2: offer.pubkey, challengeResponse: offer.challenge })];
  const corpus = [...payloads, ...offers, ...answers, ...confirms, ...hostile.slice(0, 40)];

  test.each<[string, (bytes: Bytes) => Bytes | undefined]>([
    [
      "HS1",
      (bytes) => {
        const decoded = decodeOfferPayload(bytes);
        return decoded && encodeOfferPayload(decoded);
      },
    ],
    [
      "HS2",
      (bytes) => {
        const decoded = decodeAnswerPayload(bytes);
        return decoded && encodeAnswerPayload(decoded.answer, decoded.challengeResponse);
      },
    ],
    [
      "HS3",
      (bytes) => {
        const decoded = decodeConfirmPayload(bytes);
        return decoded && encodeConfirmPayload(decoded);
      },
    ],
  ])("%s", (_, reencode) => {
    expectSound(fuzz({ corpus, reencode, runs }));
  });
});

test("mutated JSON is no canonical JSON, or the canonical form of its value [ENV-2]", () => {
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const value = readCanonicalJson(bytes, 32);
    return value === undefined ? undefined : canonicalBytes(value);
  };
  expectSound(fuzz({ corpus: [...hostile, ...payloads], reencode, runs }));
});

test("a mutated did:key is refused, or is the one spelling of its key [ID-1]", () => {
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const key = decodeDid(new TextDecoder("latin1").decode(bytes));
    return key === undefined ? undefined : encodeUtf8(encodeDid(key));
  };
  expectSound(fuzz({ corpus: did.map((text) => encodeUtf8(text)), reencode, runs }));
});

test("a mutated pairing link is refused, or is the one spelling of what it says [PAIR-1]", () => {
  const token = new Uint8Array(16).fill(7);
  const addressLists = [["http://10.0.0.1:7340"], ["http://[::1]:1", "http://desk.local:65535"], Array<string>(8).fill("http://a:1")];
  const links = addressLists.map((addresses, index) => encodePairingLink({ did: did[index] ?? "", addresses, token }));
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const link = decodePairingLink(new TextDecoder("latin1").decode(bytes));
    return link === undefined ? undefined : encodeUtf8(encodePairingLink(link));
  };
  expectSound(fuzz({ corpus: links.map((text) => encodeUtf8(text)), reencode, runs }));
});

describe("a mutated body is refused, or means the same when it is written again [BODY-1] [BODY-4]:", () => {
  const id = "019c0000-0000-7000-8000-000000000001";
  const application = { id, sent_at: 1, exp: 9, reply_to: id, thread: id, traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
  const samples: { readonly [Type in DialogueType]: BodyByType[Type] & object } = {
    message: { ...application, json: { deep: [1, "é", null] } },
    ping: { n: 7 },
    pong: { n: 0 },
    heartbeat: { seq: 2 ** 53 - 1 },
    status_report: { ...application, state: "idle", detail: "waiting", addresses: ["http://192.0.2.1:7420"] },
    discovery: { addresses: ["http://192.0.2.1:7420"] },
    wake_up: { ...application, reason: "news" },
    session_close: { reason: "bye" },
    capability_query: { n: 1 },
    capability_response: {
      n: 1,
      capabilities: [{ name: "sum", version: "1", description: "adds" }],
      accepts: ["message"],
      features: ["chunk"],
    },
    receipt: { ids: [id], stage: "refused", reason: "UNAUTHORIZED" },
    receipt_query: { ids: [id] },
    error: { code: "RATE_LIMITED", ref: "ab".repeat(32), retry_after: 3 },
    task_delegate: { ...application, task_id: id, capability: "sum", input: [1], priority: "high", deadline: 9, idempotency_key: "k" },
    task_update: { ...application, task_id: id, cursor: 3, at: 5, state: "working", progress: 0.5, detail: "half", output: { sum: 3 } },
    task_query: { ...application, task_id: id, cursor: 3 },
    task_cancel: { ...application, task_id: id, reason: "enough" },
    task_input: { ...application, task_id: id, cursor: 2, input: "yes" },
  };
  const types = messageTypeNames.filter((type) => isDialogueType(type));
  const corpus = [...types.map((type) => encodeUtf8(JSON.stringify(samples[type]))), ...hostile.slice(0, 20)];

  test.each(types)("%s", (type) => {
    const own = encodeUtf8(JSON.stringify(samples[type]));
    // Unknown fields are left out [BODY-3], so it is the meaning that has to come back, and not the bytes.
    const reencode = (bytes: Bytes): Bytes | undefined => {
      const body = decodeBody(type, bytes);
      if (body === undefined) return undefined;
      expect(decodeBody(type, encodeBody(body))).toEqual(body);
      return bytes;
    };
    expectSound(fuzz({ corpus: [own, own, own, ...corpus], reencode, runs: 300 }));
  });
});
