import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { Changes } from "./changes.ts";

const start = 1_000;
const patience = (): AbortSignal => AbortSignal.timeout(5_000);
const everything = ["inbox", "peers", "tasks"];

test("what changed is told by subject, to each who asks from where they last looked", async () => {
  const changes = new Changes(start);
  expect(changes.since({ after: start })).toEqual({ cursor: start, subjects: [] });
  changes.note("tasks", "desk");
  changes.note("inbox", "desk");
  expect(changes.since({ after: start })).toEqual({ cursor: start + 2, subjects: ["inbox", "tasks"] });
  expect(changes.since({ after: start + 1 })).toEqual({ cursor: start + 2, subjects: ["inbox"] });
  expect(await changes.next({ after: start + 1 }, patience())).toEqual({ cursor: start + 2, subjects: ["inbox"] });
});

test("who waits is told as soon as something changes, all of them", async () => {
  const changes = new Changes(start);
  const waiting = [changes.next({ after: start }, patience()), changes.next({ after: start }, patience())];
  changes.note("peers", "desk");
  expect(await Promise.all(waiting)).toEqual([1, 2].map(() => ({ cursor: start + 1, subjects: ["peers"] })));
});

test("who may not know of a peer is not told of what happens with it, however long it waits", async () => {
  const changes = new Changes(start);
  const sees = (did: string): boolean => did === "desk";
  const waiting = changes.next({ after: start, sees }, patience());
  changes.note("inbox", "pad");
  changes.note("tasks", "pad");
  expect(changes.since({ after: start, sees }).subjects).toEqual([]);
  changes.note("peers", "desk");
  expect(await waiting).toEqual({ cursor: start + 3, subjects: ["peers"] });
});

test("a cursor from before a restart, or from a time that has not been, finds everything changed", () => {
  const changes = new Changes(start);
  for (const after of [0, start - 1, start + 1]) expect(changes.since({ after }).subjects).toEqual(everything);
});

test("of more peers than may be known the oldest changes are forgotten, and whoever asks from before that looks at everything", () => {
  const changes = new Changes(start);
  for (let peer = 0; peer <= limits.knownPeersMax; peer += 1) changes.note("inbox", `peer ${peer}`);
  expect(changes.since({ after: start }).subjects).toEqual(everything);
  expect(changes.since({ after: start + 1 }).subjects).toEqual(["inbox"]);
});

test("waiting ends with the signal, also with one that has aborted before", async () => {
  const changes = new Changes(start);
  const leaving = new AbortController();
  const waiting = changes.next({ after: start }, leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ code: "CANCELED" });
  await expect(changes.next({ after: start }, leaving.signal)).rejects.toMatchObject({ code: "CANCELED" });
});
