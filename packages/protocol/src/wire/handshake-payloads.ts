/** The three payloads of a handshake, HS1 to HS3 (spec §4): canonical JSON with a closed schema, like the envelope that carries them. */
import { decodeBase64 } from "../base/base64.ts";
import { type Bytes, decodeHex, encodeHex } from "../base/bytes.ts";
import {
  featureLengthMax,
  handshakeEnvelopeBytesMax,
  handshakePayloadDepthMax,
  listedFeaturesMax,
  listedSuitesMax,
  listedVersionsMax,
} from "../base/limits.ts";
import { canonicalBytes, type Json, readCanonicalJson } from "./canonical-json.ts";
import { isUuidV4 } from "./envelope.ts";
import { compareVersions } from "./versions.ts";

/** HS1, in the first message. */
export interface OfferPayload {
  readonly pubkey: Bytes;
  readonly challenge: Bytes;
  /** Sorted, highest first. Texts, since a peer may know versions that we do not. */
  readonly versions: readonly string[];
  /** Best first. */
  readonly suites: readonly string[];
  readonly x25519: Bytes;
  /** The session that this one follows. */
  readonly rolloverOf?: string;
  /** Selects a pairing token: 16 bytes. */
  readonly pairing?: Bytes;
  readonly features?: readonly string[];
}

/** HS2 without its `challenge_response`, which is computed over the rest. */
export interface AnswerPayload {
  readonly pubkey: Bytes;
  readonly challenge: Bytes;
  readonly th1: Bytes;
  readonly version: string;
  readonly suite: string;
  /** All that the responder could do, so that the choice can be checked. */
  readonly versions: readonly string[];
  readonly suites: readonly string[];
  readonly x25519: Bytes;
  readonly features?: readonly string[];
}

/** HS3, sealed in the third message. */
export interface ConfirmPayload {
  readonly th2: Bytes;
  readonly challengeResponse: Bytes;
}

export const encodeOfferPayload = (offer: OfferPayload): Bytes =>
  canonicalBytes({
    type: "pcp-hs1",
    pubkey: encodeHex(offer.pubkey),
    challenge: encodeHex(offer.challenge),
    versions: offer.versions,
    suites: offer.suites,
    shares: { x25519: encodeHex(offer.x25519) },
    ...(offer.features === undefined ? {} : { features: offer.features }),
    ...(offer.rolloverOf === undefined ? {} : { rollover_of: offer.rolloverOf }),
    ...(offer.pairing === undefined ? {} : { pairing: encodeHex(offer.pairing) }),
  });

/** Without a `challengeResponse` these are the bytes that `thc` hashes. */
export const encodeAnswerPayload = (answer: AnswerPayload, challengeResponse?: Bytes): Bytes =>
  canonicalBytes({
    type: "pcp-hs2",
    pubkey: encodeHex(answer.pubkey),
    challenge: encodeHex(answer.challenge),
    th1: encodeHex(answer.th1),
    version: answer.version,
    suite: answer.suite,
    versions: answer.versions,
    suites: answer.suites,
    shares: { x25519: encodeHex(answer.x25519) },
    ...(answer.features === undefined ? {} : { features: answer.features }),
    ...(challengeResponse === undefined ? {} : { challenge_response: encodeHex(challengeResponse) }),
  });

export const encodeConfirmPayload = (confirm: ConfirmPayload): Bytes =>
  canonicalBytes({ type: "pcp-hs3", th2: encodeHex(confirm.th2), challenge_response: encodeHex(confirm.challengeResponse) });

export function decodeOfferPayload(bytes: Bytes): OfferPayload | undefined {
  const fields = readFields(
    bytes,
    "pcp-hs1",
    ["pubkey", "challenge", "versions", "suites", "shares"],
    ["features", "rollover_of", "pairing"],
  );
  if (fields === undefined) return undefined;
  const hello = readHello(fields, offeredShares);
  const { rollover_of: rolloverOf, pairing: pairingText } = fields;
  const pairing = pairingText === undefined ? undefined : readHex(pairingText, 16);
  if (hello === undefined || (pairingText !== undefined && pairing === undefined)) return undefined;
  if (rolloverOf !== undefined && !(typeof rolloverOf === "string" && isUuidV4(rolloverOf))) return undefined;
  return { ...hello, ...(rolloverOf === undefined ? {} : { rolloverOf }), ...(pairing === undefined ? {} : { pairing }) };
}

export interface DecodedAnswer {
  readonly answer: AnswerPayload;
  readonly challengeResponse: Bytes;
}

export function decodeAnswerPayload(bytes: Bytes): DecodedAnswer | undefined {
  const wanted = ["pubkey", "challenge", "th1", "version", "suite", "versions", "suites", "shares", "challenge_response"];
  const fields = readFields(bytes, "pcp-hs2", wanted, ["features"]);
  if (fields === undefined) return undefined;
  const hello = readHello(fields, answeredShares);
  const th1 = readHex(fields["th1"], 32);
  const challengeResponse = readHex(fields["challenge_response"], 32);
  const version = readText(fields["version"], versionPattern);
  const suite = readText(fields["suite"], suitePattern);
  if (hello === undefined || th1 === undefined || challengeResponse === undefined) return undefined;
  if (version === undefined || suite === undefined) return undefined;
  return { answer: { ...hello, th1, version, suite }, challengeResponse };
}

export function decodeConfirmPayload(bytes: Bytes): ConfirmPayload | undefined {
  const fields = readFields(bytes, "pcp-hs3", ["th2", "challenge_response"], []);
  const th2 = readHex(fields?.["th2"], 32);
  const challengeResponse = readHex(fields?.["challenge_response"], 32);
  return th2 === undefined || challengeResponse === undefined ? undefined : { th2, challengeResponse };
}

type Fields = Readonly<Record<string, Json | undefined>>;

/** The fields of a canonical object of this type that has all `wanted` keys, maybe some `optional` ones, and no other. */
function readFields(bytes: Bytes, type: string, wanted: readonly string[], optional: readonly string[]): Fields | undefined {
  if (bytes.length > handshakeEnvelopeBytesMax) return undefined;
  const value = readCanonicalJson(bytes, handshakePayloadDepthMax);
  if (!isObject(value) || value["type"] !== type) return undefined;
  const keys = Object.keys(value).filter((key) => key !== "type");
  const isClosed = keys.every((key) => wanted.includes(key) || optional.includes(key));
  return isClosed && wanted.every((key) => Object.hasOwn(value, key)) ? value : undefined;
}

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json | undefined } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readHex = (value: Json | undefined, length: number): Bytes | undefined =>
  typeof value === "string" ? decodeHex(value, length) : undefined;

const readText = (value: Json | undefined, pattern: RegExp): string | undefined =>
  typeof value === "string" && pattern.test(value) ? value : undefined;

/** The other key exchange that a share may name, with its field and length; we read past it until we offer that suite. */
interface KemShare {
  readonly field: string;
  readonly length: number;
}
const offeredShares: KemShare = { field: "mlkem768", length: 1184 };
const answeredShares: KemShare = { field: "mlkem768_ct", length: 1088 };

type Hello = Pick<OfferPayload, "pubkey" | "challenge" | "versions" | "suites" | "x25519" | "features">;

/** What both sides say of themselves. */
function readHello(fields: Fields, kem: KemShare): Hello | undefined {
  const pubkey = readHex(fields["pubkey"], 32);
  const challenge = readHex(fields["challenge"], 32);
  const x25519 = readShare(fields["shares"], kem);
  const versions = readList(fields["versions"], versionPattern, listedVersionsMax);
  const suites = readList(fields["suites"], suitePattern, listedSuitesMax);
  const features = fields["features"] === undefined ? [] : readList(fields["features"], featurePattern, listedFeaturesMax, 0);
  if (pubkey === undefined || challenge === undefined || x25519 === undefined) return undefined;
  if (versions === undefined || suites === undefined || features === undefined) return undefined;
  if (!isSortedDown(versions)) return undefined;
  return { pubkey, challenge, versions, suites, x25519, ...(fields["features"] === undefined ? {} : { features }) };
}

function readShare(value: Json | undefined, kem: KemShare): Bytes | undefined {
  if (!isObject(value)) return undefined;
  const { x25519, ...others } = value;
  for (const [field, share] of Object.entries(others)) {
    if (field !== kem.field || typeof share !== "string" || decodeBase64(share)?.length !== kem.length) return undefined;
  }
  return readHex(x25519, 32);
}

const versionPattern = /^[0-9]{1,3}\.[0-9]{1,3}$/;
const suitePattern = /^[A-Z0-9_]{1,64}$/;
const featurePattern = new RegExp(`^[a-z0-9._-]{1,${featureLengthMax}}$`);

function readList(value: Json | undefined, pattern: RegExp, countMax: number, countMin = 1): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length < countMin || value.length > countMax) return undefined;
  const texts = value.filter((item): item is string => typeof item === "string" && pattern.test(item));
  return texts.length === value.length && new Set(texts).size === texts.length ? texts : undefined;
}

/** spec HS-4: a list that is not sorted highest first is malformed, so that "first common" and "highest common" are one thing. */
const isSortedDown = (versions: readonly string[]): boolean =>
  versions.every((version, index) => index === 0 || compareVersions(versions[index - 1] ?? "", version) > 0);
