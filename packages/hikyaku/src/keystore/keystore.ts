/**
 * The key of one peer: the file `key` in its folder (spec §13). It holds the seed of the identity and the key for what is stored beside it; made once,
 * never overwritten, and opened only where nobody else could have read or written it.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { decodeUtf8, HikyakuError } from "@hikyaku/protocol";
import { createDurably } from "./durable-file.ts";
import { didOfSeed } from "./identity-seed.ts";
import { decodeKeyFile, encodeKeyFile, type KeyFile, type KeySecrets, keyFileBytesMax, secretBytes } from "./key-file.ts";
import { checkPrivateFolder, makePrivateFolder, readPrivateFile } from "./private-file.ts";
import { openSecrets, sealSecrets } from "./sealing.ts";

export interface Keystore extends KeySecrets {
  readonly did: string;
}

export interface KeyInfo {
  readonly did: string;
  readonly protection: KeyFile["protection"];
}

export interface KeystoreOptions {
  /** Seals a new key and opens a sealed one; a key without protection needs none. */
  readonly passphrase?: string | undefined;
}

/** Makes a new identity. Rejects with KEY_FILE where the folder already has a key. */
export async function createKeystore(folder: string, { passphrase }: KeystoreOptions = {}): Promise<Keystore> {
  if (passphrase === "") throw new HikyakuError("INVALID_ARGUMENT", "The passphrase is empty: give one, or none at all.");
  await makePrivateFolder(folder);
  const secrets: KeySecrets = { seed: freshSecret(), storageKey: freshSecret() };
  const did = didOfSeed(secrets.seed);
  const file = passphrase === undefined ? { protection: "none" as const, did, ...secrets } : await sealSecrets(secrets, did, passphrase);
  const path = keyPath(folder);
  if ((await createDurably(path, encodeKeyFile(file))) === "exists") {
    throw new HikyakuError("KEY_FILE", `${path} exists and is never overwritten: use it, or choose another folder.`);
  }
  return { did, ...secrets };
}

/** Rejects with KEY_FILE where there is no key, where it is not private or damaged, or where the passphrase is missing or wrong. */
export async function openKeystore(folder: string, { passphrase }: KeystoreOptions = {}): Promise<Keystore> {
  const path = keyPath(folder);
  const file = await readKeyFile(folder);
  const { seed, storageKey } = file.protection === "none" ? file : await openSealed(file, path, passphrase);
  const did = didOfSeed(seed);
  if (did !== file.did)
    throw new HikyakuError("KEY_FILE", `${path} names ${file.did} but its seed makes ${did}: restore it from a backup.`);
  return { did, seed, storageKey };
}

/** Opens the folder's key, or makes one where there is none. Anything else that is wrong with a key rejects: a key is never replaced. */
export async function ensureKeystore(folder: string, options: KeystoreOptions = {}): Promise<Keystore> {
  const isThere = (await checkPrivateFolder(folder)) && (await readPrivateFile(keyPath(folder), keyFileBytesMax)) !== undefined;
  return await (isThere ? openKeystore(folder, options) : createKeystore(folder, options));
}

/** What the file tells without its passphrase. In a file without protection the did is checked only when it is opened. */
export async function readKeyInfo(folder: string): Promise<KeyInfo> {
  const { did, protection } = await readKeyFile(folder);
  return { did, protection };
}

const keyPath = (folder: string): string => join(folder, "key");
const freshSecret = (): KeySecrets["seed"] => new Uint8Array(randomBytes(secretBytes));

async function readKeyFile(folder: string): Promise<KeyFile> {
  const path = keyPath(folder);
  const bytes = (await checkPrivateFolder(folder)) ? await readPrivateFile(path, keyFileBytesMax) : undefined;
  if (bytes === undefined) throw new HikyakuError("KEY_FILE", `There is no key in ${folder}: make one with \`hikyaku init\`.`);
  const file = decodeKeyFile(decodeUtf8(bytes) ?? "");
  if (file === undefined) throw new HikyakuError("KEY_FILE", `${path} is damaged or no key file: restore it from a backup.`);
  return file;
}

async function openSealed(file: KeyFile & { protection: "scrypt" }, path: string, passphrase: string | undefined): Promise<KeySecrets> {
  if (passphrase === undefined) {
    throw new HikyakuError("KEY_FILE", `${path} is sealed: give its passphrase in HIKYAKU_PASSPHRASE or in a file with --passphrase-file.`);
  }
  const secrets = await openSecrets(file, passphrase);
  if (secrets !== undefined) return secrets;
  throw new HikyakuError(
    "KEY_FILE",
    `The passphrase does not open ${path}: check it; if it is right, the file was altered: restore it from a backup.`,
  );
}
