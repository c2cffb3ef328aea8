/**
 * Files that only their owner may read (spec §13): modes 0600 in a folder 0700, checked at every reading. What others could have read is no secret
 * any more, and what others could have written is not ours, so both are refused with the command that closes the gap.
 */
import { constants, type Stats } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Bytes, HikyakuError } from "@hikyaku/protocol";

const groupAndOthers = 0o077;

/** The file's bytes, or undefined where there is none. Rejects with KEY_FILE where the file is not private, not regular or longer than `bytesMax`. */
export async function readPrivateFile(path: string, bytesMax: number): Promise<Bytes | undefined> {
  try {
    // O_NOFOLLOW: whoever can plant a link chooses the file. O_NONBLOCK: a named pipe would hold the program for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw refusal(path, "is not a regular file: put the file itself there");
    checkPrivate(path, found, "600");
    const bytes = new Uint8Array(bytesMax + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead > bytesMax)
      throw refusal(path, `is longer than ${bytesMax} bytes, so it is not what it should be: restore it from a backup`);
    return bytes.slice(0, bytesRead);
  } catch (error) {
    return missingOrThrow(path, error);
  }
}

/** Whether the folder is there. Rejects with KEY_FILE where others than its owner may enter it. */
export async function checkPrivateFolder(folder: string): Promise<boolean> {
  try {
    const found = await stat(folder);
    if (!found.isDirectory()) throw refusal(folder, "is not a folder: remove it, or choose another folder");
    checkPrivate(folder, found, "700");
    return true;
  } catch (error) {
    missingOrThrow(folder, error);
    return false;
  }
}

/** Makes the folder where it is missing; one that exists must be private already, since it may hold more than ours. */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await makeFolders(resolve(folder));
  } catch (error) {
    throw refusal(folder, "cannot be made: choose a folder in a place where this user may write", error);
  }
  await checkPrivateFolder(folder);
}

/** One level at a time: Node's own recursive way goes round and round where a parent exists and takes no children, as in /proc. */
async function makeFolders(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  if (dirname(folder) !== folder) await makeFolders(dirname(folder));
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    // Two that begin at once make one folder.
    if (error.code !== "EEXIST") throw error;
  });
}

function checkPrivate(path: string, { uid, mode }: Stats, wantedMode: string): void {
  const user = process.getuid?.();
  // Where there are no users there are no modes either: Windows keeps the profile folder to its owner.
  if (user === undefined) return;
  if (uid !== user)
    throw refusal(path, `belongs to user ${uid}, and hikyaku runs as user ${user}: run it as the owner, or choose another folder`);
  if ((mode & groupAndOthers) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  throw refusal(path, `is open to other users (mode ${shown}): close it with \`chmod ${wantedMode} ${quoted(path)}\``);
}

function missingOrThrow(path: string, error: unknown): undefined {
  if (error instanceof HikyakuError) throw error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return undefined;
  if (code === "ELOOP") throw refusal(path, "is a symbolic link: put the file itself there", error);
  throw refusal(path, `cannot be read (${code}): check the path and the permissions of the folders above it`, error);
}

/** The path as a shell reads it. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`);

const refusal = (path: string, what: string, cause?: unknown): HikyakuError => new HikyakuError("KEY_FILE", `${path} ${what}.`, { cause });
