/**
 * A pairing link (spec §12): `hikyaku:pair?did=…&at=host:port&token=…`. Whoever holds it may pair once, so it is a secret for its ten minutes. It came
 * through a person's hands, which is permission to dial the addresses in it, within bounds where they are names (spec TRUST-9).
 */
import { type Bytes, decodeHex, encodeHex } from "../base/bytes.ts";
import { addressesPerPeerMax, pairingLinkLengthMax, pairingTokenBytes } from "../base/limits.ts";
import { isPeerAddress, peerAddressScheme } from "./peer-address.ts";

export interface PairingLink {
  readonly did: string;
  /** `http://host:port`. */
  readonly addresses: readonly string[];
  /** 16 bytes. */
  readonly token: Bytes;
}

const prefix = "hikyaku:pair?";
const didPattern = /^did:key:z[1-9A-HJ-NP-Za-km-z]{47}$/;

export function encodePairingLink({ did, addresses, token }: PairingLink): string {
  const at = addresses.map((address) => `&at=${address.slice(peerAddressScheme.length)}`).join("");
  return `${prefix}did=${did}${at}&token=${encodeHex(token)}`;
}

/** The link's parts, or undefined: fields missing, doubled, unknown, out of order or out of form. */
export function decodePairingLink(text: string): PairingLink | undefined {
  if (text.length > pairingLinkLengthMax || !text.startsWith(prefix)) return undefined;
  const fields = text.slice(prefix.length).split("&").map(splitField);
  const did = onlyValue(fields, "did");
  const token = decodeHex(onlyValue(fields, "token") ?? "", pairingTokenBytes);
  const addresses = valuesOf(fields, "at").map((endpoint) => peerAddressScheme + endpoint);
  const isKnown = fields.every(([name]) => name === "did" || name === "at" || name === "token");
  if (did === undefined || !didPattern.test(did) || token === undefined || !isKnown) return undefined;
  if (addresses.length === 0 || addresses.length > addressesPerPeerMax || !addresses.every(isPeerAddress)) return undefined;
  const link = { did, addresses, token };
  return encodePairingLink(link) === text ? link : undefined;
}

type Field = readonly [name: string, value: string];

function splitField(text: string): Field {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

const valuesOf = (fields: readonly Field[], wanted: string): readonly string[] =>
  fields.filter(([name]) => name === wanted).map(([, value]) => value);

function onlyValue(fields: readonly Field[], wanted: string): string | undefined {
  const values = valuesOf(fields, wanted);
  return values.length === 1 ? values[0] : undefined;
}
