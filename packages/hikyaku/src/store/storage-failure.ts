/** Every failure of SQLite as one STORAGE_FAILED with a sentence that says what to do. A failed change was rolled back, so nothing is half done. */
import { HikyakuError } from "@hikyaku/protocol";

const damagedSentence = (path: string): string =>
  `${path} is damaged: restore it from a backup, or move it away to begin without known peers and messages`;

/** By SQLite's primary result code (https://sqlite.org/rescode.html). */
const sentences: Readonly<Record<number, (path: string) => string>> = {
  5: (path) => `${path} is held by another program: close that program and try again`,
  8: (path) => `${path} may not be written: give the user who runs hikyaku the right to write it`,
  10: (path) => `${path} could not be read or written: check the disk and its cables, then try again; nothing was changed`,
  11: (path) => damagedSentence(path),
  13: (path) => `The disk that holds ${path} is full: free some space and try again; nothing was lost or changed`,
  14: (path) => `${path} cannot be opened: check that its folder exists and may be written`,
  26: (path) => `${path} is damaged or no database: restore it from a backup, or move it away to begin without known peers and messages`,
};

/** Our own refusals pass unchanged. */
export function storageFailure(cause: unknown, path: string): HikyakuError {
  if (cause instanceof HikyakuError) return cause;
  const sentence =
    sentences[primaryCode(cause) ?? 0]?.(path) ?? `${path} could not be used (${(cause as Error).message}); nothing was changed`;
  return new HikyakuError("STORAGE_FAILED", `${sentence}.`, { cause });
}

/** While a database is opened, a statement that SQLite does not understand means that the file is not in the shape that it claims: the statements are known to be good. */
export const openingFailure = (cause: unknown, path: string): HikyakuError =>
  primaryCode(cause) === 1 ? damaged(path, cause) : storageFailure(cause, path);

/** What SQLite found where it was asked to look. */
export const damaged = (path: string, cause?: unknown): HikyakuError =>
  new HikyakuError("STORAGE_FAILED", `${damagedSentence(path)}.`, { cause });

export const isBusy = (error: unknown): boolean => primaryCode(error) === 5;

/** SQLite packs a detail into the higher bits of a result code. */
function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { readonly errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}
