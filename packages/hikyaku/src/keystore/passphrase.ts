/** The passphrase that the settings give, if they give one. */
import type { Config } from "../config/config.ts";
import { readPassphraseFile } from "./passphrase-file.ts";

/** The passphrase itself wins over the file that holds it. */
export const passphraseOf = async ({ passphrase, passphraseFile }: Config): Promise<string | undefined> =>
  passphrase.value ?? (passphraseFile.value === undefined ? undefined : await readPassphraseFile(passphraseFile.value));
