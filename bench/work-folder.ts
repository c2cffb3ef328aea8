/** A folder for one measurement, gone afterwards. It lies beside the build's caches and not in the system's folder for temporary files, which may be kept in memory. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

const place = join(import.meta.dirname, "..", "node_modules", ".cache", "bench");

/** Of file systems that forget: tmpfs and ramfs (`man 2 statfs`). A commit there costs nothing. */
const inMemory: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

export class WorkFolder implements Disposable {
  readonly path: string;

  constructor() {
    mkdirSync(place, { recursive: true });
    if (inMemory.has(statfsSync(place).type))
      throw new Error("node_modules lies in memory, where a durable commit cannot be measured: clone to a disk");
    this.path = mkdtempSync(join(place, "work-"));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
