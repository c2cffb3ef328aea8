/** Messages to a peer that is away, and what people see of them: kept, explained, given up, taken up again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hikyaku, type RunningProgram, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Place {
  readonly folder: string;
  readonly port: number;
  up: RunningProgram;
  readonly did: string;
}

let above: string;
let desk: Place;
let lap: Place;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-kept-"));
  [desk, lap] = await Promise.all([settle("desk"), settle("lap")]);
  await Promise.all([
    here(desk, ["trust", lap.did, "--name", "lap", "--allow", "message"]),
    here(lap, ["trust", desk.did, "--name", "desk", "--allow", "message", "--at", `http://127.0.0.1:${desk.port}`]),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([desk.up[Symbol.asyncDispose](), lap.up[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

const sayHere = runHere(run);
const here = ({ folder }: Pick<Place, "folder">, words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", folder]);
const jsonAt = async (place: Place, words: readonly string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await here(place, [...words, "--json"]);
  if (code !== 0) throw new Error(`${code} ${stdout} ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
};

async function settle(name: string): Promise<Place> {
  const folder = join(above, name);
  const port = await freePort();
  await hikyaku.run(["init", "--folder", folder, "--name", name]);
  const up = await comeUp({ folder, port });
  return { folder, port, up, did: (JSON.parse(up.stdout) as { readonly did: string }).did };
}

const comeUp = ({ folder, port }: Pick<Place, "folder" | "port">): Promise<RunningProgram> =>
  hikyaku.start(["up", "--folder", folder, "--listen", `127.0.0.1:${port}`, "--control", "127.0.0.1:0", "--json"], /\n/);

/** kill -9: nothing is written, nobody is told. */
async function die(place: Place): Promise<void> {
  place.up.kill("SIGKILL");
  await place.up.outcome();
}

async function revive(place: Place): Promise<void> {
  place.up = await comeUp(place);
}

const textsAt = async (place: Place): Promise<readonly string[]> => {
  const { messages } = (await jsonAt(place, ["inbox", "--all", "--peek"])) as {
    readonly messages: readonly { readonly body: { readonly text: string } }[];
  };
  return messages.map(({ body }) => body.text);
};

const idOf = ({ stdout }: Said): string => /^[0-9a-f-]{36}/.exec(stdout)?.[0] ?? "no id";
const time = String.raw`\w{3} \d\d:\d\d:\d\d`;

let keptId = "";

test("a message to a peer that is down is kept, and explain says what was tried and when the next try is", async () => {
  await die(desk);
  const sent = await here(lap, ["send", "desk", "are you there"]);
  expect(sent.code).toBe(0);
  keptId = idOf(sent);
  const { code, stdout } = await here(lap, ["explain", keptId]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      `^${keptId} {2}message to desk: queued\\n` +
        ` {2}${time} {2}queued\\n` +
        `(?: {2}${time} {2}(?:sent|failed) {2}[^\\n]+\\n)+` +
        ` {2}now: desk is not reachable: [^\\n]+ Next try in \\d+ s\\.\\n` +
        ` {2}tried until ${time}\\n$`,
    ),
  );
  expect(await jsonAt(lap, ["explain", keptId])).toMatchObject({
    id: keptId,
    to: desk.did,
    name: "desk",
    stage: "queued",
    events: expect.arrayContaining([
      { at: expect.any(Number), kind: "queued" },
      { at: expect.any(Number), kind: "failed", detail: expect.stringMatching(/not reachable/) },
    ]),
    trouble: { at: expect.any(Number), reason: expect.stringMatching(/not reachable/), retryInMs: expect.any(Number) },
  });
});

test("an id may be shortened as long as it is one message's; what is nobody's id is a mistake of use [CLI-1] [CLI-2]", async () => {
  expect((await here(lap, ["explain", keptId.slice(0, 18)])).stdout).toContain(`${keptId}  message to desk: queued\n`);
  expect(await here(lap, ["explain", "ffffffff"])).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "hikyaku: No message of this peer has the id ffffffff; `hikyaku send` prints ids, and settled messages are forgotten after a week.\n",
  });
  await here(lap, ["send", "desk", "second"]);
  const many = await here(lap, ["explain", keptId.slice(0, 6)]);
  expect([many.code, many.stderr]).toEqual([
    2,
    `hikyaku: Several messages have ids that begin with ${keptId.slice(0, 6)}; give more of it.\n`,
  ]);
  const hostile = await here(lap, ["explain", "\u001b[2J"]);
  expect(hostile.code).toBe(2);
  expect(hostile.stderr.trimEnd()).not.toMatch(/\p{Cc}/u);
});

test("a sender that is killed before it could deliver delivers after its restart, once and in order [DLV-1]", async () => {
  await die(lap);
  await revive(lap);
  expect((await here(lap, ["explain", keptId])).stdout).toMatch(new RegExp(`^${keptId} {2}message to desk: queued\\n`));
  await here(lap, ["send", "desk", "third"]);
  await revive(desk);
  await expect.poll(() => textsAt(desk), { timeout: 30_000 }).toEqual(["are you there", "second", "third"]);
  const events = ((await jsonAt(lap, ["explain", keptId]))["events"] as readonly { readonly kind: string }[]).map(({ kind }) => kind);
  expect(events[0]).toBe("queued");
  expect(events.at(-1)).toBe("stored");
  expect(events).toContain("sent");
});

test("inbox --done says that messages are handled, also those that were read before, and only once", async () => {
  expect((await here(desk, ["inbox"])).stdout).toContain("are you there\n");
  await expect.poll(async () => (await jsonAt(lap, ["explain", keptId]))["stage"], { timeout: 20_000 }).toBe("delivered");
  const waiting = hikyaku.run(["send", "desk", "fourth", "--wait", "handled", "--folder", lap.folder]);
  await expect.poll(() => textsAt(desk), { timeout: 20_000 }).toContain("fourth");
  expect(await here(desk, ["inbox", "--done", "--peek"])).toMatchObject({ code: 0, stdout: expect.stringContaining("fourth\n") });
  expect(await jsonAt(desk, ["inbox", "--all", "--peek"])).toMatchObject({
    messages: expect.arrayContaining([expect.objectContaining({ stage: "stored" })]),
  });
  expect((await here(desk, ["inbox", "--all", "--done"])).stdout).toMatch(/are you there\n[^]*fourth\n$/);
  expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringMatching(/ {2}handled \d+ ms\n$/) });
  await expect.poll(async () => (await jsonAt(lap, ["explain", keptId]))["stage"], { timeout: 20_000 }).toBe("handled");
  expect((await here(lap, ["explain", keptId])).stdout).toMatch(new RegExp(` {2}${time} {2}delivered\\n {2}${time} {2}handled\\n$`));
  expect((await here(desk, ["inbox", "--done"])).stdout).toMatch(/^No new messages/);
});

test("a message that is refused for good is a dead letter with its reason, to be sent anew or dropped", async () => {
  expect(await here(lap, ["dead"])).toEqual({ code: 0, stdout: "No dead letters.\n", stderr: "" });
  await here(desk, ["scopes", "lap", "none"]);
  const refused = await here(lap, ["send", "desk", "may I"]);
  expect(refused).toEqual({
    code: 5,
    stdout: "",
    stderr: "hikyaku: The recipient refused the message (UNAUTHORIZED); `hikyaku dead` keeps it.\n",
  });
  const { stdout } = await here(lap, ["dead"]);
  expect(stdout).toMatch(
    new RegExp(
      `^[0-9a-f-]{36} {2}${time} {2}message to desk {2}refused \\(UNAUTHORIZED\\)\\nEach: hikyaku explain ID, hikyaku dead retry ID, or hikyaku dead drop ID\\n$`,
    ),
  );
  const id = stdout.slice(0, 36);
  expect(await jsonAt(lap, ["dead"])).toMatchObject({ messages: [{ id, to: desk.did, stage: "refused", reason: "UNAUTHORIZED" }] });
  expect((await here(lap, ["explain", id])).stdout).toMatch(
    new RegExp(
      `^${id} {2}message to desk: refused \\(UNAUTHORIZED\\)\\n[^]* {2}hikyaku dead retry ${id} {3}or {3}hikyaku dead drop ${id}\\n$`,
    ),
  );

  await here(desk, ["scopes", "lap", "message"]);
  const retried = await here(lap, ["dead", "retry", id.slice(0, 30)]);
  expect(retried.stdout).toMatch(new RegExp(`^([0-9a-f-]{36}) {2}queued anew in place of ${id.slice(0, 30)}\\n$`));
  expect(idOf(retried)).not.toBe(id);
  await expect.poll(() => textsAt(desk), { timeout: 20_000 }).toContain("may I");
  expect((await here(lap, ["dead"])).stdout).toBe("No dead letters.\n");
});

test("a dead letter that is dropped is gone, and what is none cannot be dropped or sent anew [CLI-1] [CLI-2]", async () => {
  await here(desk, ["scopes", "lap", "none"]);
  await here(lap, ["send", "desk", "never mind"]);
  await here(desk, ["scopes", "lap", "message"]);
  const { messages } = (await jsonAt(lap, ["dead"])) as { readonly messages: readonly { readonly id: string }[] };
  const id = messages[0]?.id ?? "";
  expect(messages).toHaveLength(1);
  expect(await jsonAt(lap, ["dead", "drop", id])).toEqual({ dropped: id });
  expect((await here(lap, ["dead"])).stdout).toBe("No dead letters.\n");
  for (const [words, sentence] of [
    [["dead", "drop", id], /No message of this peer/],
    [["dead", "retry", keptId], /is no dead letter; `hikyaku dead` lists them/],
    [["dead", "retry"], /Which message\?/],
    [["dead", "bury", id], /retry or drop, or nothing/],
    [["dead", "--limit", "0"], /from 1 to 1000/],
  ] as const)
    expect(await here(lap, [...words])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(sentence) });
  expect(await textsAt(desk)).not.toContain("never mind");
});

test("a link is kept up: who can only call hears of a message at once, without asking", async () => {
  // The desk was told no address of the lap, and the lap's own is not dialled unless it is given: what reaches the lap goes over its own call.
  await here(desk, ["trust", "lap", "--at", "http://127.0.0.1:1"]);
  // A person's word is tried at once, however often that address has failed before.
  await here(lap, ["trust", "desk", "--at", `http://127.0.0.1:${desk.port}`]);
  await die(desk);
  await revive(desk);
  await expect.poll(async () => (await here(desk, ["peers"])).stdout, { timeout: 30_000 }).toMatch(/^lap {2}trusted {2}connected/);
  expect(await here(desk, ["send", "lap", "news", "--wait", "stored"])).toMatchObject({ code: 0 });
  expect(await textsAt(lap)).toEqual(["news"]);
});
