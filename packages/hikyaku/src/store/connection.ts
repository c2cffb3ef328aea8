/** Opening a SQLite file that only its owner may read (spec §13). SQLite gives the files beside it, `-wal` and `-shm`, the same mode. */
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

export function connect(path: string, timeoutMs: number): DatabaseSync {
  // SQLite itself would create the file with the modes of the umask. An existing one is not opened here: closing any descriptor of a file drops
  // the POSIX locks that this process holds on it.
  if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
  return new DatabaseSync(path, { timeout: timeoutMs, enableForeignKeyConstraints: true });
}
