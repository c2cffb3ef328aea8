/** A file that holds the passphrase of a key: one line, as private as the key itself. */
import { decodeUtf8, HikyakuError } from "@hikyaku/protocol";
import { readPrivateFile } from "./private-file.ts";

const passphraseFileBytesMax = 4096;

/** The file's text without the line end that editors add. Rejects with KEY_FILE where the file is missing, not private, empty or no text. */
export async function readPassphraseFile(path: string): Promise<string> {
  const bytes = await readPrivateFile(path, passphraseFileBytesMax);
  if (bytes === undefined) throw new HikyakuError("KEY_FILE", `There is no passphrase file ${path}: write it, or name another one.`);
  const passphrase = decodeUtf8(bytes)?.replace(/\r?\n$/, "");
  if (passphrase) return passphrase;
  throw new HikyakuError("KEY_FILE", `${path} holds no passphrase: write it on one line in UTF-8.`);
}
