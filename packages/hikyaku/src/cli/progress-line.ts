/**
 * What happens meanwhile, on standard error, so that standard output holds results alone. On a screen the progress is one line that is written anew each time; anywhere else
 * each word of it is a line.
 */
import { visible } from "../text/visible.ts";

/** What of a stream is used here. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const barWidth = 20;
/** Where the screen does not know, which some say as 0. */
const columnsDefault = 80;
const clear = "\r\u001b[2K";

export class ProgressLine {
  readonly #screen: Screen;
  /** Whether the last thing on the screen is progress without a line's end. */
  #isOpen = false;

  constructor(screen: Screen = process.stderr) {
    this.#screen = screen;
  }

  /** A line that stays. */
  say(line: string): void {
    this.#screen.write(`${this.#isOpen ? clear : ""}${visible(line)}\n`);
    this.#isOpen = false;
  }

  progress(fraction: number, detail: string | undefined): void {
    const percent = `${String(Math.floor(fraction * 100)).padStart(4)} %`;
    const said = detail === undefined ? "" : `  ${detail}`;
    if (this.#screen.isTTY !== true) return this.say(`${percent}${said}`);
    const line = visible(`${percent}  ${barOf(fraction)}${said}`).slice(0, (this.#screen.columns || columnsDefault) - 1);
    this.#screen.write(`${clear}${line}`);
    this.#isOpen = true;
  }
}

function barOf(fraction: number): string {
  const full = Math.round(fraction * barWidth);
  return "█".repeat(full) + "░".repeat(barWidth - full);
}
