/** Whether the disk under the data folder has room for the messages to come. */
import { statfs } from "node:fs/promises";
import { bad, type Finding, good, skipped, warning } from "./finding.ts";

/** The numbers of a file system that count here; `bavail` is what is left for an ordinary user. */
export type StatFs = (path: string) => Promise<{ readonly bavail: number; readonly bsize: number }>;

const name = "disk";
const mebibyte = 2 ** 20;
const badBelow = 64 * mebibyte;
const warningBelow = 512 * mebibyte;

export async function checkDisk(folder: string, measure: StatFs = statfs): Promise<Finding> {
  const free = await freeBytes(folder, measure);
  if (free === undefined) return skipped(name, `The space under ${folder} cannot be measured.`);
  const found = `${Math.floor(free / mebibyte)} MiB are free under ${folder}.`;
  if (free >= warningBelow) return good(name, found);
  const wayOut = "Delete what is not needed on this disk, or move the folder to another and name it with --folder.";
  return free < badBelow ? bad(name, found, wayOut) : warning(name, found, wayOut);
}

async function freeBytes(folder: string, measure: StatFs): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await measure(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
