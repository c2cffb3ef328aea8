/**
 * Writing small files so that a crash leaves the old file, the new one or none, never half of one (spec §13): the text goes into a temporary file in the
 * same folder, is synced, and only then takes its name; the folder is synced last, because the name lives there.
 */
import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";

/** Gives the text a name that nobody has yet. Never overwrites: `link` refuses a name that is taken, also by a process that came first a moment ago. */
export async function createDurably(path: string, text: string): Promise<"created" | "exists"> {
  try {
    await placeDurably(path, text, link);
    return "created";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return "exists";
    throw failure(path, error);
  }
}

/** Gives the text its name, in place of whatever had it before. */
export async function replaceDurably(path: string, text: string): Promise<void> {
  try {
    await placeDurably(path, text, rename);
  } catch (error) {
    throw failure(path, error);
  }
}

async function placeDurably(path: string, text: string, place: (temporary: string, path: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`);
  try {
    await writeSynced(temporary, text);
    await place(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder, and keeps names durable by itself.
  if (process.platform === "win32") return;
  await using opened = await open(folder);
  await opened.sync();
}

const failure = (path: string, cause: unknown): HikyakuError =>
  new HikyakuError(
    "STORAGE_FAILED",
    `${path} cannot be written (${(cause as NodeJS.ErrnoException).code}): check free space and permissions of its folder; whatever was there before is unchanged.`,
    { cause },
  );
