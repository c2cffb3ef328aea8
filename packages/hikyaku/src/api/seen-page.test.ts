import { expect, test } from "vitest";
import { seenPage } from "./seen-page.ts";

interface Entry {
  readonly position: number;
  readonly isSeen: boolean;
}

/** A list in which every so many-th entry is visible, and the sizes of the reads that it took. */
function listOf(length: number, every: number) {
  const entries = Array.from({ length }, (_, index): Entry => ({ position: index + 1, isSeen: (index + 1) % every === 0 }));
  const reads: number[] = [];
  const read = async (after = 0, most = 0): Promise<readonly Entry[]> => {
    reads.push(most);
    return entries.slice(after, after + most);
  };
  const look = (limit: number, beyond?: number) => seenPage(read, { beyond, limit, sees: ({ isSeen }) => isSeen });
  const page = async (limit: number, beyond?: number): Promise<readonly number[]> =>
    (await look(limit, beyond)).entries.map(({ position }) => position);
  return { look, page, reads };
}

test("a page of what is visible is full wherever that stands, goes on from a cursor and ends with the list", async () => {
  const { page } = listOf(1000, 7);
  expect(await page(3)).toEqual([7, 14, 21]);
  expect(await page(3, 21)).toEqual([28, 35, 42]);
  expect(await page(200)).toHaveLength(142);
  expect(await page(5, 990)).toEqual([994]);
  expect(await page(0)).toEqual([]);
});

test("a page of one among many that are hidden takes few reads, and one of a list without hidden entries a single read of its size", async () => {
  const { page, reads } = listOf(900, 900);
  expect(await page(1)).toEqual([900]);
  expect(reads).toHaveLength(10);
  expect(Math.max(...reads)).toBe(100);
  const open = listOf(3000, 1);
  expect(await open.page(1)).toEqual([1]);
  expect(open.reads).toEqual([1]);
});

test("behind very many hidden entries an answer says from where to go on, and others have their turn meanwhile", async () => {
  const { look, reads } = listOf(3000, 3000);
  let readsAtTurn = 0;
  setImmediate(() => {
    readsAtTurn = reads.length;
  });
  expect(await look(1)).toEqual({ entries: [], next: 901 });
  expect([readsAtTurn, reads.length]).toEqual([1, 10]);
  expect(await look(1, 2500)).toEqual({ entries: [{ position: 3000, isSeen: true }] });
  const some = listOf(3000, 500);
  expect(await some.look(5)).toEqual({ entries: [{ position: 500, isSeen: true }], next: 905 });
});
