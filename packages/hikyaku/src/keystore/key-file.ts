/**
 * The text of a key file (spec §13): JSON in one exact spelling. Decoding accepts only what encoding would write, so no field can be missing, doubled,
 * unknown or spelled in another way. The secrets of a sealed file are opened in sealing.ts.
 */
import { type Bytes, decodeDid, decodeHex, encodeHex, encodeUtf8 } from "@hikyaku/protocol";

export interface KeySecrets {
  /** The seed of the Ed25519 identity. */
  readonly seed: Bytes;
  /** Encrypts what is stored on this machine. */
  readonly storageKey: Bytes;
}

interface OpenKeyFile extends KeySecrets {
  readonly protection: "none";
  readonly did: string;
}

/** What a sealed file shows, and what its seal therefore covers. */
export interface SealHeader {
  readonly did: string;
  readonly salt: Bytes;
  readonly iv: Bytes;
}

export interface SealedKeyFile extends SealHeader {
  readonly protection: "scrypt";
  readonly sealed: Bytes;
}

export type KeyFile = OpenKeyFile | SealedKeyFile;

export const keyFileBytesMax = 4096;
export const secretBytes = 32;
export const saltBytes = 32;
export const ivBytes = 12;
export const tagBytes = 16;
/** The cost is part of the format: a file cannot choose a cheap one, nor one that exhausts the machine. */
export const scryptCost: { readonly n: number; readonly r: number; readonly p: number } = { n: 2 ** 17, r: 8, p: 1 };

const format = "hikyaku-key/1";

export function encodeKeyFile(file: KeyFile): string {
  const fields =
    file.protection === "none"
      ? { format, did: file.did, protection: file.protection, seed: encodeHex(file.seed), storageKey: encodeHex(file.storageKey) }
      : { ...headerFields(file), sealed: encodeHex(file.sealed) };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** The key file that a text is, or undefined. */
export function decodeKeyFile(text: string): KeyFile | undefined {
  const file = readFields(parseObject(text));
  return file !== undefined && encodeKeyFile(file) === text ? file : undefined;
}

/** What AES-256-GCM authenticates beside the secrets: every other field, so none of them can be exchanged. */
export const encodeSealHeader = (header: SealHeader): Bytes => encodeUtf8(JSON.stringify(headerFields(header)));

const headerFields = ({ did, salt, iv }: SealHeader): Record<string, string | number> => ({
  format,
  did,
  protection: "scrypt",
  ...scryptCost,
  salt: encodeHex(salt),
  iv: encodeHex(iv),
});

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function readFields(fields: Readonly<Record<string, unknown>>): KeyFile | undefined {
  const { did, protection } = fields;
  const bytes = (name: string, length: number): Bytes | undefined => {
    const text = fields[name];
    return typeof text === "string" ? decodeHex(text, length) : undefined;
  };
  if (typeof did !== "string" || decodeDid(did) === undefined) return undefined;
  if (protection === "none") {
    const [seed, storageKey] = [bytes("seed", secretBytes), bytes("storageKey", secretBytes)];
    return seed && storageKey && { protection, did, seed, storageKey };
  }
  if (protection !== "scrypt") return undefined;
  const [salt, iv, sealed] = [bytes("salt", saltBytes), bytes("iv", ivBytes), bytes("sealed", 2 * secretBytes + tagBytes)];
  return salt && iv && sealed && { protection, did, salt, iv, sealed };
}
