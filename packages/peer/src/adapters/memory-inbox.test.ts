import { HikyakuError } from "@hikyaku/protocol";
import { type ArrangeInbox, inboxContract, inboxPropertyContract } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import type { InboxMessage } from "../ports/inbox.ts";
import type { Commit } from "./commit.ts";
import { emptyInbox, MemoryInbox } from "./memory-inbox.ts";

const arrange: ArrangeInbox = async (bounds) => {
  const options = { state: emptyInbox(), ...(bounds === undefined ? {} : { bounds }) };
  return { store: new MemoryInbox(options), reopen: async () => new MemoryInbox(options), [Symbol.asyncDispose]: async () => {} };
};

inboxContract("memory", arrange);
inboxPropertyContract("memory", arrange, 300);

const letter = (id: string): InboxMessage => ({ id, from: "did:key:lap", type: "message", body: "{}", sentAt: 1, exp: 9, receivedAt: 2 });

test("what a slow disk has not committed is not seen, and what it commits is seen whole", async () => {
  const waiting: (() => void)[] = [];
  const commit: Commit = (work) => new Promise((resolve) => waiting.push(() => resolve(work())));
  const inbox = new MemoryInbox({ commit });
  const appended = inbox.append([letter("1"), letter("2")]);
  expect(await inbox.list({ type: "message", limit: 10 })).toEqual([]);
  for (const run of waiting.splice(0)) run();
  expect(await appended).toEqual([{ kind: "stored" }, { kind: "stored" }]);
  expect(await inbox.list({ type: "message", limit: 10 })).toHaveLength(2);
});

test("after a crash a peer finds what was committed before it, and nothing of what was not", async () => {
  const state = emptyInbox();
  const before = new MemoryInbox({ state });
  await before.append([letter("1")]);
  void new MemoryInbox({ state, commit: () => new Promise(() => {}) }).append([letter("2")]);
  const after = new MemoryInbox({ state });
  expect((await after.list({ type: "message", limit: 10 })).map(({ id }) => id)).toEqual(["1"]);
  expect(await after.append([letter("1"), letter("2")])).toEqual([{ kind: "duplicate", stage: "stored" }, { kind: "stored" }]);
});

test("a disk that refuses leaves everything as it was [BOX-1]", async () => {
  const state = emptyInbox();
  await new MemoryInbox({ state }).append([letter("1")]);
  const full = new MemoryInbox({ state, commit: () => Promise.reject(new HikyakuError("STORAGE_FAILED", "The disk is full.")) });
  await expect(full.append([letter("2")])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  await expect(full.advance("did:key:lap", ["1"], "handled")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(await full.list({ type: "message", unread: true, limit: 10 })).toMatchObject([{ id: "1", stage: "stored" }]);
});
