import { isDeepStrictEqual } from "node:util";

/** Tells what happens, and keeps count of what did not come out as it should. */
export class Story {
  #failures = 0;

  chapter(title: string): void {
    console.log(`\n${title}`);
  }

  tell(line: string): void {
    console.log(`  ${line}`);
  }

  /** Says what was seen; a mark and the expectation where that is something else. */
  see(what: string, found: unknown, expected: unknown): void {
    if (isDeepStrictEqual(found, expected)) {
      console.log(`  ✓ ${what}: ${show(found)}`);
      return;
    }
    this.#failures += 1;
    console.log(`  ✗ ${what}: ${show(found)}, and it should be ${show(expected)}`);
  }

  /** The exit code: 0 only if everything was as expected. */
  end(): number {
    console.log(this.#failures === 0 ? "\nEverything was as it should be." : `\n${this.#failures} of the answers above were wrong.`);
    return this.#failures === 0 ? 0 : 1;
  }
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
