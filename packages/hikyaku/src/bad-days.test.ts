/** Whole peers on real databases through days on which the disk is full or the clock is wrong: what was kept stays kept, and is handled once and in order. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, type Resident, World } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeCrypto } from "./crypto/node-crypto.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { SqliteInbox } from "./store/sqlite-inbox.ts";
import { SqliteOutbox } from "./store/sqlite-outbox.ts";
import { SqliteTrustStore } from "./store/sqlite-trust-store.ts";

const storageKey = new Uint8Array(32).fill(7);
const hourMs = 3_600_000;
let above: string;
beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-bad-day-"));
});
afterEach(() => rmSync(above, { recursive: true }));

interface Inhabitant extends Resident {
  readonly database: Database;
}

class Day implements AsyncDisposable {
  readonly world = new World(nodeCrypto);
  readonly clock = new ManualClock();
  readonly #databases: Database[] = [];
  readonly #clocks = new Set([this.clock]);

  async peer(name: string): Promise<Inhabitant> {
    const database = openDatabase(mkdtempSync(join(above, name)));
    this.#databases.push(database);
    const inbox = new SqliteInbox(database, storageKey);
    const outbox = new SqliteOutbox(database, storageKey);
    const needs = { inbox, outbox, trustStore: new SqliteTrustStore(database) };
    return { ...(await this.world.peer(name, { clock: this.clock, speaksStreams: true, settings: { keepLinks: true }, needs })), database };
  }

  /** Ends a peer as a crash would; it comes back by this clock. */
  async restart(resident: Inhabitant, clock: ManualClock): Promise<Inhabitant> {
    const { database } = resident;
    this.#clocks.add(clock);
    const restarted = this.world.restart(resident, { speaksStreams: true, needs: { clock } });
    return { ...(await this.during(restarted)), database };
  }

  /** Lets time pass until it is so, five minutes at most. */
  async until(isSo: () => boolean): Promise<void> {
    for (let turn = 0; turn < 3000 && !isSo(); turn += 1) await this.pass(100);
    if (!isSo()) throw new Error("it is not so after five minutes");
  }

  /** Lets time pass while something is done that may wait for it. */
  async during<Value>(work: Promise<Value>): Promise<Value> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 3000 && !isDone; turn += 1) await this.pass(100);
    return await done;
  }

  async pass(ms: number): Promise<void> {
    for (const clock of this.#clocks) await clock.pass(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.during(this.world[Symbol.asyncDispose]());
    for (const database of this.#databases) database.close();
  }
}

/** As a disk without room looks to SQLite: no page more than there is. */
const fillDisk = ({ database }: Inhabitant): unknown => database.read((sql) => sql.get`PRAGMA max_page_count = 1`);
const makeRoom = ({ database }: Inhabitant): unknown => database.read((sql) => sql.get`PRAGMA max_page_count = 1000000`);

/** Numbers as messages of some pages each; what they handled comes back. */
const text = "x".repeat(20_000);
function handleNumbers({ peer }: Resident): readonly number[] {
  const handled: number[] = [];
  peer.on("message", ({ body }) => void handled.push((body as { json: { n: number } }).json.n));
  return handled;
}
const send = ({ peer }: Resident, to: string, first: number, last: number): readonly Promise<unknown>[] =>
  numbers(first, last).map((n) => peer.send(to, "message", { json: { n, text } }, { timeoutMs: 3_600_000 }));
const numbers = (first: number, last: number): readonly number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test("while the recipient's disk is full its senders wait, and when there is room everything arrives, once and in order [BOX-1] [BOX-2]", async () => {
  await using day = new Day();
  const [desk, lap] = [await day.peer("desk"), await day.peer("lap")];
  await day.world.introduce(desk, lap);
  const handled = handleNumbers(desk);
  const sent = [...send(lap, "desk", 1, 50)];
  await day.until(() => handled.length > 20);
  fillDisk(desk);
  sent.push(...send(lap, "desk", 51, 100));
  await day.clock.pass(30_000);
  expect(handled.length).toBeLessThan(100);
  const [waiting] = await lap.needs.outbox.next({ to: desk.peer.did, priority: "normal" }, 0, { count: 1, bytes: 1 });
  expect((await lap.peer.explain(waiting?.id ?? "")).events.at(-1)).toMatchObject({ kind: "failed", detail: "OVERLOADED" });
  makeRoom(desk);
  await day.until(() => handled.length === 100);
  expect(handled).toEqual(numbers(1, 100));
  await Promise.all(sent);
  await day.until(() => lap.database.read((sql) => sql.get`SELECT count FROM outbox_totals`)?.["count"] === 0);
}, 20_000);

test("while the sender's disk is full, what was kept goes on, and what could not be kept is refused in words", async () => {
  await using day = new Day();
  const [desk, lap] = [await day.peer("desk"), await day.peer("lap")];
  await day.world.introduce(desk, lap);
  const handled = handleNumbers(desk);
  const sent = send(lap, "desk", 1, 50);
  await day.until(() => handled.length > 5);
  fillDisk(lap);
  const refused = await Promise.allSettled(send(lap, "desk", 51, 60));
  for (const outcome of refused)
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "STORAGE_FAILED", message: expect.stringMatching(/is full: free some space/) },
    });
  await day.until(() => handled.length === 50);
  makeRoom(lap);
  const later = send(lap, "desk", 61, 70);
  await day.until(() => handled.length === 60);
  await Promise.all([...sent, ...later]);
  expect(handled).toEqual([...numbers(1, 50), ...numbers(61, 70)]);
  await day.until(() => lap.database.read((sql) => sql.get`SELECT count FROM outbox_totals`)?.["count"] === 0);
}, 20_000);

test("with both clocks set back by an hour between two runs, and forward again, nothing is lost, handled twice or out of order [BOX-2]", async () => {
  await using day = new Day();
  let [desk, lap] = [await day.peer("desk"), await day.peer("lap")];
  await day.world.introduce(desk, lap);
  const handled: number[] = [];
  const listen = ({ peer }: Resident): void =>
    peer.on("message", ({ body }) => void handled.push((body as { json: { n: number } }).json.n));
  await day.during(Promise.all(send(lap, "desk", 1, 10)));
  for (const [shift, first] of [
    [-hourMs, 11],
    [hourMs, 21],
  ] as const) {
    // Queued in the first run, delivered in the second.
    for (const one of send(lap, "desk", first, first + 4)) one.catch(() => undefined);
    const clock = new ManualClock(day.clock.now() + shift);
    desk = await day.restart(desk, clock);
    lap = await day.restart(lap, clock);
    listen(desk);
    for (const one of send(lap, "desk", first + 5, first + 9)) one.catch(() => undefined);
    await day.until(() => handled.length === first + 9);
  }
  expect(handled).toEqual(numbers(1, 30));
}, 20_000);

test("while one clock alone is an hour behind, messages wait and say why, and go when it is right [BOX-2]", async () => {
  await using day = new Day();
  let [desk, lap] = [await day.peer("desk"), await day.peer("lap")];
  await day.world.introduce(desk, lap);
  const handled = handleNumbers(desk);
  const first = send(lap, "desk", 1, 5);
  await day.until(() => handled.length === 5);
  await Promise.all(first);
  const late = new ManualClock(day.clock.now() - hourMs);
  lap = await day.restart(lap, late);
  for (const one of send(lap, "desk", 6, 10)) one.catch(() => undefined);
  for (let turn = 0; turn < 100; turn += 1) await day.pass(1000);
  expect(handled).toHaveLength(5);
  const [waiting] = await lap.needs.outbox.next({ to: desk.peer.did, priority: "normal" }, 0, { count: 1, bytes: 1 });
  const { stage, trouble } = await lap.peer.explain(waiting?.id ?? "");
  expect([stage, trouble?.reason]).toEqual(["queued", expect.stringMatching(/^This machine's clock and desk's are more than 300 s apart/)]);
  late.set(day.clock.now());
  await day.until(() => handled.length === 10);
  expect(handled).toEqual(numbers(1, 10));
}, 20_000);
