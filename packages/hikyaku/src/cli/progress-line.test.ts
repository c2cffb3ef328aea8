import { expect, test } from "vitest";
import { ProgressLine, type Screen } from "./progress-line.ts";

class Written implements Screen {
  readonly isTTY: boolean;
  readonly columns: number = 30;
  text = "";

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

test("on a screen the progress is one line that is written anew, cut to its width, and gone when something else is said", () => {
  const screen = new Written(true);
  const line = new ProgressLine(screen);
  line.say("working");
  line.progress(0.5, "page 5 of 10");
  line.progress(1, undefined);
  line.say("completed");
  line.say("done");
  expect(screen.text.split("\r\u001b[2K")).toEqual([
    "working\n",
    "  50 %  ██████████░░░░░░░░░░ ",
    " 100 %  ████████████████████",
    "completed\ndone\n",
  ]);
});

test("anywhere else each word of progress is a line, with control characters made visible [CLI-3]", () => {
  const screen = new Written(false);
  const line = new ProgressLine(screen);
  line.progress(0.049, "page\u001b[2J 1");
  line.say("a\nb");
  expect(screen.text).toBe("   4 %  page\\u{1b}[2J 1\na\\u{a}b\n");
});
