/** Tools of a local MCP server between two peers that are up: lap's person delegates, desk's person offers. All of it are real processes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hikyaku, type RunningProgram, runHere, type Said, toolServerCommand } from "@hikyaku/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Place {
  readonly folder: string;
  readonly up: RunningProgram;
  readonly did: string;
}

const chosen = "echo=text.echo add wrong slow counts fails refuses large deep hangs babbles looks starts asks".split(" ");

let above: string;
let desk: Place;
let lap: Place;
let serving: RunningProgram;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-tools-"));
  const port = await freePort();
  [desk, lap] = await Promise.all([settle("desk", port), settle("lap", 0)]);
  await here(desk, ["trust", lap.did, "--name", "lap", "--allow", "message,task_delegate"]);
  await here(lap, ["trust", desk.did, "--name", "desk", "--allow", "message", "--at", `http://127.0.0.1:${port}`]);
  serving = await serve([...chosen.flatMap((tool) => ["--tool", tool]), "--for", "lap", "--concurrency", "2", "--timeout", "30"]);
}, 60_000);
afterAll(async () => {
  await Promise.all([serving[Symbol.asyncDispose](), desk.up[Symbol.asyncDispose](), lap.up[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

async function settle(name: string, port: number): Promise<Place> {
  const folder = join(above, name);
  await hikyaku.run(["init", "--folder", folder, "--name", name]);
  const words = ["up", "--folder", folder, "--listen", `127.0.0.1:${port}`, "--control", "127.0.0.1:0", "--json"];
  const up = await hikyaku.start(words, /\n/);
  return { folder, up, did: (JSON.parse(up.stdout) as { readonly did: string }).did };
}

const sayHere = runHere(run);
const here = ({ folder }: Pick<Place, "folder">, words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", folder]);
const serve = (flags: readonly string[], server: readonly string[] = toolServerCommand()): Promise<RunningProgram> =>
  hikyaku.start(["serve-mcp", ...flags, "--folder", desk.folder, "--", ...server], /Serving .*\n/, { env: { SECRET_OF_OURS: "hush" } });
const delegate = (capability: string, input: object = {}, flags: readonly string[] = ["--follow"]): Promise<Said> =>
  here(lap, ["delegate", "desk", capability, "--input", JSON.stringify(input), ...flags]);
const outputOf = async (capability: string, input: object = {}): Promise<unknown> => {
  const { code, stdout, stderr } = await delegate(capability, input);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};
const textOf = async (capability: string, input: object = {}): Promise<string> =>
  ((await outputOf(capability, input)) as { readonly content: readonly { readonly text: string }[] }).content[0]?.text ?? "";

const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
const idIn = ({ stdout }: Pick<Said, "stdout">): string => id.exec(stdout)?.[0] ?? "no id";
const stateOf = async (task: string): Promise<string> => (await here(lap, ["task", task])).stdout.split("\n")[0] ?? "";
const patience = { timeout: 20_000 };
const untilNoted = (program: RunningProgram, what: RegExp): Promise<unknown> =>
  vi.waitUntil(() => what.test(program.stderr), patience).catch(() => expect(program.stderr).toMatch(what));
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("only what was chosen is offered, under the name that was chosen, with the tool's own schema and description [TOOL-1] [TOOL-2]", async () => {
  await serving.untilOutput(/^Serving text\.echo, the tool echo, to lap, 2 at a time\nServing add, the tool add, to lap, 2 at a time\n/);
  const { stdout } = await here(lap, ["capabilities", "desk", "--json"]);
  const said = JSON.parse(stdout) as { readonly capabilities: readonly Readonly<Record<string, unknown>>[] };
  const { capabilities } = said;
  expect(capabilities.map(({ name }) => name)).toEqual(chosen.map((tool) => tool.replace("echo=", "")));
  expect(capabilities[0]).toMatchObject({
    description: "Says what it is told.\nIn\u001b[2J full.",
    input: { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
  });
  expect(capabilities[1]).toMatchObject({ output: { type: "object", required: ["sum"] } });
  const own = JSON.parse((await here(desk, ["capabilities", "--json"])).stdout) as typeof said;
  expect(own.capabilities.find(({ name }) => name === "text.echo")).toMatchObject({ for: ["lap"] });
  expect(await delegate("echo", { text: "x" })).toMatchObject({ code: 5, stderr: expect.stringContaining('desk offers you no "echo"') });
});

test("a tool gets the input as its arguments, and its content or its structured result is the output", async () => {
  expect(await outputOf("text.echo", { text: "a\u0000b" })).toEqual({ content: [{ type: "text", text: "a\u0000b" }] });
  expect(await outputOf("add", { a: 1, b: 2 })).toEqual({ sum: 3 });
  await serving.untilOutput(/lap {2}text\.echo {2}begun\n[^]*lap {2}text\.echo {2}completed [\d.]+ s\n/);
});

test("what the tool's schema does not take is rejected, and the tool is not called", async () => {
  for (const input of [{}, { text: "a", more: 1 }, [1], "text"])
    expect(await delegate("text.echo", input as object)).toMatchObject({ code: 5, stderr: expect.stringContaining("INVALID_INPUT") });
  expect(await delegate("wrong")).toMatchObject({ code: 7, stderr: expect.stringContaining("INVALID_OUTPUT") });
});

test("progress is told on: as a fraction that never falls, and where the total is unknown by its words", async () => {
  const { code, stderr } = await delegate("slow", { steps: 4, ms: 250 });
  expect(code).toBe(0);
  expect(stderr).toMatch(/ 25 % {2}step 1\n.* 50 % {2}step 2\n.* 75 % {2}step 3\n.*100 % {2}step 4\n/s);
  expect((await delegate("counts")).stderr).toMatch(/ 50 %\n.* 50 % {2}seven\n/s);
});

describe("a tool that fails makes the task fail, in its own words", () => {
  test.each([
    ["fails", {}, "HANDLER_FAILED: no paper left"],
    ["refuses", {}, "HANDLER_FAILED: not in this life"],
    ["asks", {}, "HANDLER_FAILED: "],
    ["deep", {}, "nested more than 32 deep, which no message can carry"],
    ["large", { bytes: 131_072 }, "The tool's result has 131122 bytes as JSON, and a message holds at most 131072."],
    ["large", { bytes: 4_000_000 }, "and a message holds at most 131072."],
  ])("%s [TOOL-5]", async (tool, input, why) => {
    expect(await delegate(tool, input)).toMatchObject({ code: 7, stdout: "", stderr: expect.stringContaining(why) });
  });
});

test("a result just as large as a message may be is carried or refused in a sentence, and never lost [TOOL-5]", async () => {
  for (const bytes of [100_000, 131_000])
    expect(await delegate("large", { bytes })).toMatchObject({ code: expect.toSatisfy((code) => code === 0 || code === 7) });
});

test("lines that are no messages harm nobody", async () => {
  expect(await textOf("babbles")).toBe("babbled");
  expect(await textOf("text.echo", { text: "still here" })).toBe("still here");
});

test("the server sees nothing of our environment but where things are [TOOL-5]", async () => {
  const seen = (await textOf("looks")).split(" ");
  expect(seen).toContain("PATH");
  expect(seen.filter((name) => /^(?:HIKYAKU|SECRET|NODE)/.test(name))).toEqual([]);
});

test("whoever cancels a task cancels the call, and one that does not listen holds nobody up [TOOL-3]", async () => {
  const slow = idIn(await delegate("slow", { steps: 1, ms: 60_000 }, []));
  const deaf = idIn(await delegate("hangs", {}, []));
  for (const task of [slow, deaf]) await expect.poll(() => stateOf(task), patience).toContain("working");
  await untilNoted(serving, /hanging/);
  for (const task of [slow, deaf]) await here(lap, ["cancel", task]);
  await untilNoted(serving, /slow was canceled/);
  for (const task of [slow, deaf]) {
    expect(await here(lap, ["task", task, "--follow"])).toMatchObject({ code: 7, stderr: expect.stringContaining("canceled") });
    await serving.untilOutput(new RegExp(`${task} {2}lap {2}\\w+ {2}stopped`));
  }
  expect(await textOf("text.echo", { text: "next" })).toBe("next");
});

test("a tool that hangs has failed when its time is over, or its task's deadline [TOOL-3]", async () => {
  await using impatient = await serve(["--tool", "hangs=waits", "--timeout", "0.5"]);
  expect(await delegate("waits", {}, ["--follow", "--deadline", "10"])).toMatchObject({
    code: 7,
    stderr: expect.stringContaining("TIMED_OUT: The tool took longer than 0.5 s."),
  });
  expect(await delegate("hangs", {}, ["--follow", "--deadline", "1"])).toMatchObject({
    code: 7,
    stderr: expect.stringContaining("DEADLINE_EXCEEDED"),
  });
  impatient.kill("SIGINT");
  expect((await impatient.outcome()).code).toBe(0);
});

describe("a server that ends in the middle of a task", () => {
  test("is started again; the task has failed as interrupted, and the capabilities stay offered [TOOL-4]", async () => {
    await using crashing = await serve(["--tool", "crashes", "--tool", "hangs=waits", "--tool", "echo=says"]);
    const cut = idIn(await delegate("waits", {}, []));
    await untilNoted(crashing, /hanging/);
    expect(await delegate("crashes")).toMatchObject({ code: 7, stderr: expect.stringContaining("INTERRUPTED") });
    expect(await here(lap, ["task", cut, "--follow"])).toMatchObject({ code: 7, stderr: expect.stringContaining("INTERRUPTED") });
    expect(await textOf("says", { text: "back" })).toBe("back");
    expect(crashing.stderr).toMatch(
      /about to\\u\{7\} crash\n[^]*hikyaku: The server has gone\. It ended with code 3\. Its last words: .*about to.*It is started again in 0\.25 s\.\n/,
    );
    crashing.kill("SIGTERM");
    expect((await crashing.outcome()).code).toBe(0);
    expect(await delegate("says", { text: "x" })).toMatchObject({ code: 5 });
  });

  test("is given a task that may run twice again, and not for ever [TOOL-4]", async () => {
    await using crashing = await serve(["--tool", "crashes", "--idempotent"]);
    expect(await delegate("crashes")).toMatchObject({ code: 7, stderr: expect.stringContaining("INTERRUPTED") });
    expect(crashing.stderr.match(/about to/g)?.length).toBeGreaterThanOrEqual(3);
  });

  test("has ended too often after five times within a minute: exit code 1, and what comes waits for the next one [TOOL-4] [CLI-2]", async () => {
    const memory = join(above, "fleeting");
    const fleeting = `process.argv[1] = ${JSON.stringify(toolServerCommand()[1])}; require("fs").existsSync(${JSON.stringify(memory)}) ? process.exit(4) : import(process.argv[1])`;
    await using failing = await serve(["--tool", "crashes", "--tool", "echo=says"], [process.execPath, "-e", fleeting]);
    writeFileSync(memory, "");
    expect(await delegate("crashes")).toMatchObject({ code: 7 });
    const waiting = idIn(await delegate("says", { text: "waited" }, []));
    const { code, stderr } = await failing.outcome(60_000);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/\nhikyaku: The server ended too often\. It ended with code 4\. .* once it works\.\n$/),
    ]);
    await using next = await serve(["--tool", "echo=says"]);
    expect(await here(lap, ["task", waiting, "--follow"])).toMatchObject({ code: 0, stdout: expect.stringContaining("waited") });
    next.kill("SIGINT");
    await next.outcome();
  });

  test("and is stopped while it is away takes its capabilities back, at once, and begins nothing that waits for them [TOOL-4]", async () => {
    const memory = join(above, "sleepy");
    const sleepy = `process.argv[1] = ${JSON.stringify(toolServerCommand()[1])}; require("fs").existsSync(${JSON.stringify(memory)}) ? setInterval(() => {}, 1000) : import(process.argv[1])`;
    await using crashing = await serve(["--tool", "crashes", "--tool", "echo=says"], [process.execPath, "-e", sleepy]);
    writeFileSync(memory, "");
    await delegate("crashes");
    await untilNoted(crashing, /It is started again/);
    expect((await here(lap, ["capabilities", "desk", "--fresh"])).stdout).toContain("says");
    const waiting = idIn(await delegate("says", { text: "waited" }, []));
    await expect.poll(() => stateOf(waiting), patience).toContain("submitted");
    crashing.kill("SIGINT");
    expect((await crashing.outcome(10_000)).code).toBe(0);
    expect(await stateOf(waiting)).toContain("submitted");
    expect((await here(lap, ["capabilities", "desk", "--fresh"])).stdout).not.toContain("says");
  });

  test("because a message of it had no end is told so [TOOL-5]", async () => {
    await using gushing = await serve(["--tool", "gushes", "--tool", "echo=says", "--timeout", "15"]);
    expect(await delegate("gushes")).toMatchObject({ code: 7, stderr: expect.stringContaining("INTERRUPTED") });
    await untilNoted(gushing, /It wrote a message of more than 8388608 bytes\./);
    expect(await textOf("says", { text: "back" })).toBe("back");
  });
});

describe("a tool that is no more what it was offered as", () => {
  const changing = (memory: string): Promise<RunningProgram> =>
    serve(["--tool", "echo=says", "--tool", "becomes", "--tool", "crashes", "--tool", "add=adds"], toolServerCommand("--memory", memory));

  test.each([
    ["other echo", "The tool echo has another description, so says is offered no more."],
    ["without echo", "The tool echo is gone, so says is offered no more."],
  ])("is taken back while the server runs, and what was not changed is not: %s [TOOL-2]", async (what, why) => {
    await using running = await changing(join(above, what));
    expect(await textOf("becomes", { what })).toBe("changed");
    await untilNoted(running, new RegExp(why));
    expect(await delegate("says", { text: "x" })).toMatchObject({ code: 5, stderr: expect.stringContaining("offers you no") });
    expect(await outputOf("adds", { a: 2, b: 2 })).toEqual({ sum: 4 });
    running.kill("SIGINT");
    expect((await running.outcome()).code).toBe(0);
  });

  test("is taken back where it changed while it was being offered [TOOL-2]", async () => {
    await using running = await serve(["--tool", "echo=says", "--tool", "add=adds"], toolServerCommand("--fickle"));
    await untilNoted(running, /The tool echo has another description, so says is offered no more\./);
    expect(await outputOf("adds", { a: 2, b: 2 })).toEqual({ sum: 4 });
    running.kill("SIGINT");
    expect((await running.outcome()).code).toBe(0);
  });

  test("is taken back after a restart, before it does anything [TOOL-2]", async () => {
    const memory = join(above, "restart");
    await using running = await changing(memory);
    const crashing = delegate("crashes");
    writeFileSync(memory, "other echo");
    await crashing;
    await untilNoted(running, /The tool echo has another description, so says is offered no more\./);
    expect(await outputOf("adds", { a: 2, b: 3 })).toEqual({ sum: 5 });
    expect(await delegate("says", { text: "x" })).toMatchObject({ code: 5, stderr: expect.stringContaining("offers you no") });
  });

  test("ends serve-mcp where it was the last one [TOOL-2] [CLI-2]", async () => {
    await using running = await serve(["--tool", "becomes"], toolServerCommand("--memory", join(above, "last")));
    expect(await textOf("becomes", { what: "without becomes" })).toBe("changed");
    const { code, stderr } = await running.outcome();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("hikyaku: No tool of the server is left that is still what it was offered as.\n"),
    ]);
  });
});

describe("a server's whole process group ends", () => {
  const pidsOf = async (capability: string): Promise<readonly number[]> => (await textOf(capability)).split(" ").map(Number);
  const untilGone = (pids: readonly number[]): Promise<unknown> => vi.waitUntil(() => !pids.some(isAlive), patience);

  test.each(["SIGINT", "SIGTERM"] as const)(
    "when whoever offers its tools stops with %s: what runs is finished first [TOOL-5]",
    async (signal) => {
      await using stopping = await serve(["--tool", "starts=begins", "--tool", "slow=lasts"]);
      const pids = await pidsOf("begins");
      const lasting = idIn(await delegate("lasts", { steps: 3, ms: 500 }, []));
      await stopping.untilOutput(/lasts {2}begun/);
      stopping.kill(signal);
      await stopping.untilOutput(/Finishing 1\. To end at once: Ctrl-C again\n/);
      expect((await stopping.outcome()).code).toBe(0);
      await untilGone(pids);
      expect(await here(lap, ["task", lasting, "--follow"])).toMatchObject({ code: 0, stdout: expect.stringContaining("done") });
    },
  );

  test.each([
    ["when whoever stops it insists [TOOL-5]", ["SIGINT", "SIGINT"], 130],
    ["when the terminal hangs up [TOOL-5]", ["SIGHUP"], 130],
  ] as const)("%s", async (_, signals, exitCode) => {
    await using stopping = await serve(["--tool", "starts=begins", "--tool", "hangs=lasts"]);
    const pids = await pidsOf("begins");
    const cut = idIn(await delegate("lasts", {}, []));
    await stopping.untilOutput(/lasts {2}begun/);
    for (const signal of signals) {
      stopping.kill(signal);
      if (signals.length > 1) await stopping.untilOutput(/Finishing 1/);
    }
    expect((await stopping.outcome()).code).toBe(exitCode);
    await untilGone(pids);
    expect(await here(lap, ["task", cut, "--follow"])).toMatchObject({ code: 7, stderr: expect.stringContaining("INTERRUPTED") });
  });
});

describe("the tools of a server are listed", () => {
  test("with how each is chosen, without a peer that is up; control characters are shown [CLI-3]", async () => {
    const { code, stdout, stderr } = await hikyaku.run(["serve-mcp", "--list", "--", ...toolServerCommand()]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^--tool echo {3}Says what it is told\. In\\u\{1b\}\[2J full\.\n--tool add {3}The tool add\.\n/);
    const json = await hikyaku.run(["serve-mcp", "--list", "--json", "--", ...toolServerCommand("--old", "--impatient")]);
    expect(JSON.parse(json.stdout.split("\n")[0] ?? "")).toMatchObject({ tool: "echo", inputSchema: { required: ["text"] } });
  });

  test("where none was chosen, which is a mistake of use: exit code 2 [TOOL-1] [CLI-1] [CLI-2]", async () => {
    const { code, stdout, stderr } = await hikyaku.run(["serve-mcp", "--folder", desk.folder, "--", ...toolServerCommand()]);
    expect([code, stderr]).toEqual([
      2,
      "hikyaku: Nothing is offered that nobody chose: add --tool NAME for each tool to offer, or --all.\n",
    ]);
    expect(stdout).toContain("--tool add   The tool add.\n");
  });
});

/** Answers everything in the form of JSON-RPC, and means none of it. */
const contrary = `require("readline").createInterface(process.stdin).on("line", (line) => {
  const { id } = JSON.parse(line);
  console.log(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "never" } }));
})`;

test.each<[string, readonly string[], readonly string[], number, RegExp]>([
  ["a program that is not there", ["--tool", "x"], ["/nonexistent/program"], 2, /There is no program/],
  ["one that ends", ["--tool", "x"], ["false"], 1, /The server did not come up\. It ended with code 1\./],
  [
    "one that speaks otherwise",
    ["--tool", "x"],
    [process.execPath, "-e", contrary],
    1,
    /It speaks no MCP that is understood here \(never\)\./,
  ],
  ["no such tool", ["--tool", "x"], toolServerCommand(), 2, /The server has no tool "x"\. With --list instead of --tool it lists them\./],
  [
    "a schema that cannot be judged by",
    ["--tool", "odd"],
    toolServerCommand(),
    2,
    /The tool "odd" cannot be offered: inputSchema cannot be used: External .+\. Leave it out\./,
  ],
  [
    "a schema that takes for ever to be read",
    ["--tool", "echo"],
    toolServerCommand("--branching"),
    2,
    /The tool "echo" cannot be offered: inputSchema cannot be used: it could not be judged in time\. Leave it out\./,
  ],
  ["more than can be", ["--all"], toolServerCommand(), 2, /At most 16 tools are offered at once, and these are 18: choose with --tool/],
  ["one name twice", ["--tool", "echo=a", "--tool", "add=a"], toolServerCommand(), 2, /Two tools would be called "a"/],
  [
    "a long name",
    ["--tool", `echo=${"a".repeat(65)}`],
    toolServerCommand(),
    2,
    /1 to 64 visible characters: choose one for the tool "echo"/,
  ],
  ["for nobody known", ["--tool", "echo", "--for", "moon"], toolServerCommand(), 2, /No peer is called "moon"/],
  [
    "what is offered already",
    ["--tool", "echo", "--tool", "add"],
    toolServerCommand(),
    2,
    /The tool "add" cannot be offered: There is a capability "add" already/,
  ],
])(
  "%s: nothing is offered, with an exit code and a sentence that helps [TOOL-2] [CLI-1] [CLI-2]",
  async (_, flags, server, exitCode, why) => {
    const said = await sayHere(["serve-mcp", ...flags, "--folder", desk.folder, "--", ...server]);
    expect(said).toMatchObject({ code: exitCode, stdout: "", stderr: expect.stringMatching(why) });
    expect(await delegate("echo", { text: "x" })).toMatchObject({ code: 5 });
  },
);

test("where the peer stops, so does whoever offers tools, and the server with it: exit code 3", async () => {
  const pids = (await textOf("starts")).split(" ").map(Number);
  desk.up.kill("SIGTERM");
  const { code, stderr } = await serving.outcome();
  expect([code, stderr]).toEqual([
    3,
    expect.stringMatching(/\nhikyaku: The peer in .* stopped before it answered: start it with `hikyaku up`.*\n$/),
  ]);
  await vi.waitUntil(() => !pids.some(isAlive), patience);
});
