/** A place for the peers of an example: a folder of its own, gone when the example ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Folder implements Disposable {
  readonly #path: string = mkdtempSync(join(tmpdir(), "hikyaku-example-"));

  for(name: string): string {
    return join(this.#path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
