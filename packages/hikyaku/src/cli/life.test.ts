/** How a peer comes up, goes down, dies and comes back. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hikyaku, type Outcome, Program, type RunningProgram, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

let above: string;
/** Only ever the sender; up all the time. */
let lap: Up;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-life-"));
  await Promise.all([init("lap"), init("desk")]);
  lap = await comeUp("lap");
}, 60_000);
afterAll(async () => {
  await lap.program[Symbol.asyncDispose]();
  rmSync(above, { recursive: true });
});

interface Up {
  readonly program: RunningProgram;
  readonly did: string;
  readonly address: string;
  readonly control: string;
}

const folderOf = (name: string): string => join(above, name);
const here = runHere(run);
const init = (name: string): Promise<Said> => here(["init", "--folder", folderOf(name), "--name", name]);
const at = (name: string, ...words: readonly string[]): Promise<Outcome> => hikyaku.run([...words, "--folder", folderOf(name)]);
const upWords = (name: string, listen: string, control: string): readonly string[] => [
  "up",
  "--folder",
  folderOf(name),
  "--listen",
  listen,
  "--control",
  control,
  "--json",
];

async function comeUp(
  name: string,
  { port = 0, env = {} }: { readonly port?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Up> {
  const program = await hikyaku.start(upWords(name, `127.0.0.1:${port}`, "127.0.0.1:0"), /\n/, { env });
  const { did, addresses, control } = JSON.parse(program.stdout) as { did: string; addresses: readonly string[]; control: string };
  return { program, did, address: addresses[0] ?? "", control };
}

/** Each pins the other: the lap dials the desk at `address`, the desk waits to be called. */
async function introduce(name: string, desk: Up, address: string = desk.address): Promise<void> {
  await Promise.all([
    here(["trust", lap.did, "--name", "lap", "--allow", "message", "--folder", folderOf(name)]),
    here(["trust", desk.did, "--name", name, "--allow", "message", "--at", address, "--folder", folderOf("lap")]),
  ]);
}

const inboxOf = async (name: string): Promise<readonly string[]> => {
  const { stdout } = await here(["inbox", "--all", "--peek", "--json", "--folder", folderOf(name)]);
  return (JSON.parse(stdout) as { readonly messages: readonly { readonly body: { readonly text: string } }[] }).messages.map(
    ({ body }) => body.text,
  );
};

const portOf = (address: string): number => Number(address.split(":").at(-1));

/** Whether nobody listens there. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(false));
    socket.once("error", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s stops cleanly: exit code 0, no record left, both ports free, and the lock gone [CLI-1] [KEY-5]",
  async (signal) => {
    const { program, address, control } = await comeUp("desk");
    await using _ = program;
    expect(existsSync(join(folderOf("desk"), "control"))).toBe(true);
    program.kill(signal);
    const { code, stderr } = await program.outcome(10_000);
    expect([code, stderr]).toEqual([0, ""]);
    expect(existsSync(join(folderOf("desk"), "control"))).toBe(false);
    expect(await Promise.all([isFree(portOf(address)), isFree(portOf(control))])).toEqual([true, true]);
  },
);

test("a second signal ends it at once, whatever is still in work [CLI-1]", async () => {
  const { program, address } = await comeUp("desk");
  await using _ = program;
  // A request that never ends keeps the listener closing for seconds.
  const hanging = connect(portOf(address), "127.0.0.1", () =>
    hanging.write("POST /message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"),
  );
  hanging.on("error", () => undefined);
  await new Promise((resolve) => hanging.once("connect", resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  program.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const beganAt = performance.now();
  program.kill("SIGTERM");
  const { code } = await program.outcome(10_000);
  hanging.destroy();
  expect(code).toBe(130);
  expect(performance.now() - beganAt).toBeLessThan(2_000);
});

test("a folder that is in use, a peer port or a control port that is taken: exit code 6, a way out, and nothing left open [KEY-5] [CLI-1] [CLI-2]", async () => {
  const taken = createTcpServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { readonly port: number };
  const [second, peerPort, controlPort] = await Promise.all([
    hikyaku.run(upWords("lap", "127.0.0.1:0", "127.0.0.1:0").slice(0, -1)),
    hikyaku.run(upWords("desk", `127.0.0.1:${port}`, "127.0.0.1:0").slice(0, -1)),
    init("third").then(() => hikyaku.run(upWords("third", "127.0.0.1:0", `127.0.0.1:${port}`).slice(0, -1))),
  ]);
  taken.close();
  expect([second, peerPort, controlPort].map(({ code, stdout }) => [code, stdout])).toEqual([
    [6, ""],
    [6, ""],
    [6, ""],
  ]);
  expect(second.stderr).toBe(`hikyaku: ${folderOf("lap")} is in use by another hikyaku: stop that one, or choose another folder.\n`);
  expect(peerPort.stderr).toMatch(new RegExp(`^hikyaku: Cannot listen at 127\\.0\\.0\\.1:${port}: .*taken.*--listen.*\\.\\n$`));
  expect(controlPort.stderr).toMatch(
    new RegExp(`^hikyaku: Cannot listen for commands at 127\\.0\\.0\\.1:${port}: .*taken.*--control.*\\.\\n$`),
  );
  expect(readdirSync(folderOf("third"))).not.toContain("control");
  expect(await at("lap", "stats")).toMatchObject({ code: 0 });
});

/** A wire that keeps what goes over it: forwards to `port` and remembers every POST. */
async function tap(port: number): Promise<{ readonly address: string; readonly recorded: Buffer[]; close(): void }> {
  const recorded: Buffer[] = [];
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      recorded.push(body);
      void post(port, body).then(
        ({ status, text }) => answer.writeHead(status, { "content-type": "application/json" }).end(text),
        () => answer.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address() as { readonly port: number };
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${bound.port}`, recorded, close };
}

function post(port: number, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const asked = request({ host: "127.0.0.1", port, path: "/message", method: "POST", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

test("after kill -9 the messages are still there, the next one goes through, and nothing recorded before opens [LIFE-4] [BOX-1]", async () => {
  const port = await freePort();
  const first = await comeUp("desk", { port });
  await using _ = first.program;
  const wire = await tap(port);
  await introduce("desk", first, wire.address);
  expect(await at("lap", "send", "desk", "before")).toMatchObject({ code: 0 });
  first.program.kill("SIGKILL");
  await first.program.outcome();

  const [orphan, kept] = await Promise.all([at("desk", "inbox"), at("lap", "send", "desk", "into the void")]);
  const recorded = [...wire.recorded];
  expect(existsSync(join(folderOf("desk"), "control"))).toBe(true);
  expect([orphan.code, orphan.stderr]).toEqual([
    3,
    `hikyaku: The peer in ${folderOf("desk")} is not running: start it with \`hikyaku up\`.\n`,
  ]);
  expect(kept).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36} {2}queued: desk is not reachable/) });

  const second = await comeUp("desk", { port });
  await using __ = second.program;
  expect(second.did).toBe(first.did);
  const replies = await Promise.all(recorded.map((body) => post(port, body)));
  const data = recorded.flatMap((body, at) => (body.includes('"msg_type":"message"') ? [replies[at]] : []));
  expect(data.length).toBeGreaterThan(0);
  for (const reply of data) expect(reply).toMatchObject({ status: 400, text: expect.stringContaining('"REJECTED"') });
  expect(await at("lap", "send", "desk", "after", "--wait", "stored")).toMatchObject({ code: 0 });
  expect(await inboxOf("desk")).toEqual(["before", "into the void", "after"]);
  wire.close();
});

const canLimit = existsSync("/usr/bin/prlimit") || existsSync("/bin/prlimit");

// A full disk is made with prlimit, which only Linux has; elsewhere there is nothing to fill it with.
test.runIf(canLimit)(
  "on a full disk a message gets no receipt and is kept by its sender; with space again it goes through [BOX-1] [CLI-2]",
  async () => {
    const prlimit = new Program({ command: "prlimit", prefix: [], env: { PATH: process.env["PATH"] ?? "" } });
    // A desk of its own: no session from before stands in between.
    await init("full");
    const desk = await comeUp("full");
    await using _ = desk.program;
    await introduce("full", desk);
    expect(await at("lap", "send", "full", "one")).toMatchObject({ code: 0 });
    // No file of the desk may grow from here on, as on a disk that is full.
    expect(await prlimit.run(["--pid", String(desk.program.pid), "--fsize=4096:unlimited"])).toMatchObject({ code: 0 });
    const kept = await at("lap", "send", "full", "two");
    expect(kept).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^[0-9a-f-]{36} {2}queued: full did not take the message \(OVERLOADED\); try again in 5 s; its log names it [0-9a-f]{8}\.\n/,
      ),
    });
    expect(desk.program.stderr).toMatch(/disk|space|hikyaku\.db/);
    await prlimit.run(["--pid", String(desk.program.pid), "--fsize=unlimited:unlimited"]);
    expect(await at("lap", "send", "full", "three", "--wait", "stored")).toMatchObject({ code: 0 });
    expect(await inboxOf("full")).toEqual(["one", "two", "three"]);
  },
);

test("a clock that is off is named as the cause, on the side that sees it [CLI-2]", async () => {
  const shift =
    "const real=Date.now,off=4e5;globalThis.Date=class extends Date{constructor(...a){a.length?super(...a):super(real()+off)}static now(){return real()+off}}";
  await init("late");
  const desk = await comeUp("late", { env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(shift)}` } });
  await using _ = desk.program;
  await introduce("late", desk);
  const { code, stdout, stderr } = await at("lap", "send", "late", "what time is it", "--wait", "stored", "--timeout", "2");
  expect([code, stderr]).toEqual([4, ""]);
  expect(stdout).toMatch(/^[0-9a-f-]{36} {2}queued: .*clock.*300 s apart.*\n/i);
});

test("a lax mode that came while it was down keeps it down [KEY-2]", async () => {
  chmodSync(join(folderOf("desk"), "key"), 0o640);
  const { code, stderr } = await hikyaku.run(upWords("desk", "127.0.0.1:0", "127.0.0.1:0"));
  chmodSync(join(folderOf("desk"), "key"), 0o600);
  expect([code, JSON.parse(stderr)]).toMatchObject([6, { error: { code: "KEY_FILE" } }]);
});
