/** `hikyaku id`: who this peer is; needs neither a running peer nor the passphrase. */
import { readKeyInfo } from "../../keystore/keystore.ts";
import type { Call } from "../call.ts";
import { fingerprintOfDid } from "./init.ts";

export async function id({ config, terminal }: Call): Promise<void> {
  const { did, protection } = await readKeyInfo(config.folder.value);
  const fingerprint = fingerprintOfDid(did);
  const name = config.name.value;
  await terminal.show(`${name}\n${did}\nFingerprint ${fingerprint}`, { name, did, fingerprint, protection });
}
