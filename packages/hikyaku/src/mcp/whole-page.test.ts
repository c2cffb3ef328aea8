import { expect, test } from "vitest";
import { wholePage } from "./whole-page.ts";

test("a page is asked for on and on until it is full or the list has ended, and never for more than is missing", async () => {
  const asked: unknown[] = [];
  const answers = [
    { items: [1], next: 10 },
    { items: [], next: 20 },
    { items: [2, 3], next: 30 },
  ];
  const ask = async (beyond: number | undefined, most: number) => {
    asked.push([beyond, most]);
    return answers[asked.length - 1] ?? { items: [4] };
  };
  expect(await wholePage({ beyond: 5, limit: 3 }, ask)).toEqual([1, 2, 3]);
  expect(asked).toEqual([
    [5, 3],
    [10, 2],
    [20, 2],
  ]);
  expect(await wholePage({ beyond: undefined, limit: 3 }, ask)).toEqual([4]);
});
