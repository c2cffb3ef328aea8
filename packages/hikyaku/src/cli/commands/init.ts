/** `hikyaku init`: a new identity in the folder. */
import { decodeDid, fingerprintOf } from "@hikyaku/protocol";
import { rememberSetting } from "../../config/config-file.ts";
import { nodeCrypto } from "../../crypto/node-crypto.ts";
import { createKeystore } from "../../keystore/keystore.ts";
import { passphraseOf } from "../../keystore/passphrase.ts";
import type { Call } from "../call.ts";

export async function init({ config, terminal }: Call): Promise<void> {
  const folder = config.folder.value;
  const { did } = await createKeystore(folder, { passphrase: await passphraseOf(config) });
  if (config.name.source === "flag") await rememberSetting(folder, "name", config.name.value);
  const fingerprint = fingerprintOfDid(did);
  await terminal.show(`${did}\nkey: ${folder}/key (0600)\nFingerprint ${fingerprint}\nNext: hikyaku up`, {
    did,
    fingerprint,
    folder,
    name: config.name.value,
  });
}

export const fingerprintOfDid = (did: string): string => fingerprintOf(nodeCrypto, decodeDid(did) ?? new Uint8Array(0));
