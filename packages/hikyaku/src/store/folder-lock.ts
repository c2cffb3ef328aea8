/**
 * One process per data folder (spec KEY-5). The lock is an open exclusive transaction on an empty database of its own: the system drops it with
 * the process, however that dies, so there is no stale lock to remove and no process number to mistake for another's.
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { HikyakuError } from "@hikyaku/protocol";
import { connect } from "./connection.ts";
import { isBusy, storageFailure } from "./storage-failure.ts";

export interface FolderLock extends Disposable {
  /** Lets another process in. Releasing twice is harmless. */
  release(): void;
}

/** Whoever only asks whether the folder is locked holds it for a moment; a start should outwait that. */
const lockWaitMs = 200;
/** And so should whoever asks as well, but not for long: its whole process stands still meanwhile, at every question to a peer that is up. */
const askWaitMs = 20;

/** Keeps locks from being garbage-collected, and thereby released, while nobody looks at them. */
const held = new Set<DatabaseSync>();

/** Throws FOLDER_IN_USE where the folder is locked already, by this process or another. */
export const lockFolder = (folder: string): FolderLock => lockWithin(folder, lockWaitMs);

function lockWithin(folder: string, waitMs: number): FolderLock {
  const path = join(folder, "lock.db");
  let connection: DatabaseSync | undefined;
  try {
    connection = connect(path, waitMs);
    // Nothing is ever written, so a journal file would only lie about.
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    connection?.close();
    if (!isBusy(error)) throw storageFailure(error, path);
    const message = `${folder} is in use by another hikyaku: stop that one, or choose another folder.`;
    throw new HikyakuError("FOLDER_IN_USE", message, { cause: error });
  }
  held.add(connection);
  return makeLock(connection);
}

/** Whether a process holds the folder now. Another user of this machine cannot pretend that: the folder is private. */
export function isFolderLocked(folder: string): boolean {
  try {
    lockWithin(folder, askWaitMs).release();
    return false;
  } catch (error) {
    if (error instanceof HikyakuError && error.code === "FOLDER_IN_USE") return true;
    throw error;
  }
}

function makeLock(connection: DatabaseSync): FolderLock {
  const release = (): void => {
    if (held.delete(connection)) connection.close();
  };
  return { release, [Symbol.dispose]: release };
}
