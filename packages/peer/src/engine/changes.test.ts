import { expect, test } from "vitest";
import { Changes } from "./changes.ts";

const start = 1_000;
const patience = (): AbortSignal => AbortSignal.timeout(5_000);

test("what changed is told by subject, to each who asks from where they last looked", async () => {
  const changes = new Changes(start);
  expect(changes.since(start)).toEqual({ cursor: start, subjects: [] });
  changes.note("tasks");
  changes.note("inbox");
  expect(changes.since(start)).toEqual({ cursor: start + 2, subjects: ["inbox", "tasks"] });
  expect(changes.since(start + 1)).toEqual({ cursor: start + 2, subjects: ["inbox"] });
  expect(await changes.next(start + 1, patience())).toEqual({ cursor: start + 2, subjects: ["inbox"] });
});

test("who waits is told as soon as something changes, all of them, and nobody is kept afterwards", async () => {
  const changes = new Changes(start);
  const waiting = [changes.next(start, patience()), changes.next(start, patience())];
  changes.note("peers");
  expect(await Promise.all(waiting)).toEqual([1, 2].map(() => ({ cursor: start + 1, subjects: ["peers"] })));
});

test("a cursor from before a restart, or from a time that has not been, finds everything changed", () => {
  const changes = new Changes(start);
  for (const cursor of [0, start - 1, start + 1]) expect(changes.since(cursor).subjects).toEqual(["inbox", "peers", "tasks"]);
});

test("waiting ends with the signal, also with one that has aborted before", async () => {
  const changes = new Changes(start);
  const leaving = new AbortController();
  const waiting = changes.next(start, leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ code: "CANCELED" });
  await expect(changes.next(start, leaving.signal)).rejects.toMatchObject({ code: "CANCELED" });
});
