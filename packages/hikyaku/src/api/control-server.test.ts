import { mkdtempSync, rmSync } from "node:fs";
import { type Agent, type IncomingHttpHeaders, Agent as KeptAlive, request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, type Peer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { isSameToken, newControlToken } from "../keystore/control-token.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

const token = newControlToken();
const isToken = (offered: string): boolean => isSameToken(offered, token);
const lines: string[] = [];
const log: Log = { write: (level, event, fields) => void lines.push(JSON.stringify({ level, event, ...fields })) };

let folder: string;
let peer: Peer;
let control: ControlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-control-"));
  peer = await createPeer({ folder: join(folder, "desk"), listen: "127.0.0.1:0" });
  control = await startControlServer(peer, { listen: { host: "127.0.0.1", port: 0 }, name: "desk", isToken, log });
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await peer.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
  readonly port?: number;
}

const authorization = `Bearer ${token}`;
const json = { authorization, "content-type": "application/json" };

function ask(
  method: string,
  path: string,
  { headers = { authorization }, body, agent, port = control.port }: Asking = {},
): Promise<Answer> {
  const settings = { host: "127.0.0.1", port, method, path, headers, ...(agent === undefined ? {} : { agent }) };
  return new Promise((resolve, reject) => {
    const asked = request(settings, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const post = (path: string, body: unknown): Promise<Answer> => ask("POST", path, { headers: json, body: JSON.stringify(body) });

/** What comes back for bytes that no HTTP library would send. */
function raw(text: string): Promise<string> {
  const socket = connect(control.port, "127.0.0.1", () => socket.write(text));
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk;
  });
  return new Promise((resolve, reject) => socket.once("close", () => resolve(answer)).once("error", reject));
}

function errorOf({ text }: Answer): { readonly code: string; readonly message: string } {
  const answered: unknown = JSON.parse(text);
  expect(answered).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
  return (answered as { readonly error: { readonly code: string; readonly message: string } }).error;
}
const sentence = /^[A-Z"a-z][^\n]*\.$/;

test("the control interface listens on loopback only [CTL-1]", async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
  for (const host of ["0.0.0.0", "::", ...(outside === undefined ? [] : [outside])]) {
    const started = startControlServer(peer, { listen: { host, port: 0 }, name: "desk", isToken, log });
    await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("loopback address") });
  }
});

test("a port that is taken is named, with the way out", async () => {
  const { port } = control;
  const started = startControlServer(peer, { listen: { host: "127.0.0.1", port }, name: "desk", isToken, log });
  await expect(started).rejects.toMatchObject({ code: "ADDRESS_IN_USE", message: expect.stringContaining(`127.0.0.1:${port}`) });
  await expect(started).rejects.toThrow("--control");
});

test("after its end the port is free", async () => {
  const server = await startControlServer(peer, { listen: { host: "127.0.0.1", port: 0 }, name: "desk", isToken, log });
  const agent = new KeptAlive({ keepAlive: true });
  await ask("GET", "/health", { agent, port: server.port });
  await server[Symbol.asyncDispose]();
  await expect(ask("GET", "/health", { port: server.port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  agent.destroy();
});

test("the right token opens [CTL-2]", async () => {
  const { status, text } = await ask("GET", "/health");
  expect([status, JSON.parse(text)]).toEqual([200, { status: "ok", did: peer.did, peers: 0 }]);
});

test.each([
  ["no token", {}],
  ["an empty token", { authorization: "Bearer " }],
  ["another token", { authorization: `Bearer ${newControlToken()}` }],
  ["the start of the token", { authorization: authorization.slice(0, -1) }],
  ["more than the token", { authorization: `${authorization}0` }],
  ["the token twice", { authorization: `${authorization}, ${authorization}` }],
  ["the token in capitals", { authorization: `Bearer ${token.toUpperCase()}` }],
  ["another scheme", { authorization: `Basic ${token}` }],
  ["no scheme", { authorization: token }],
  ["a cookie", { cookie: `token=${token}` }],
])("%s is refused, for everything, also for what is not there, and nothing is done [CTL-2]", async (_, headers) => {
  const body = JSON.stringify({ name: "lap", allow: [] });
  for (const [method, path] of [
    ["GET", "/health"],
    ["GET", "/nowhere"],
    ["POST", "/pairings"],
    ["DELETE", "/peers/x"],
    ["GET", "/peers/%E0"],
  ] as const) {
    const answer = await ask(method, `${path}?token=${token}`, {
      headers: { "content-type": "application/json", ...headers },
      ...(method === "POST" ? { body } : {}),
    });
    expect([answer.status, errorOf(answer).code]).toEqual([403, "UNAUTHORIZED"]);
    expect(errorOf(answer).message).toMatch(sentence);
  }
});

test.each([
  "evil.example",
  "evil.example:7341",
  "127.0.0.1.evil.example",
  "127.0.0.1.",
  "localhost.",
  "localhost.evil.example",
  "0.0.0.0",
  "[::ffff:127.0.0.1]",
  "127.0.0.1:7341@evil.example",
  "127.1",
  "2130706433",
])("the host %j is refused, whatever the token [CTL-3]", async (host) => {
  for (const authorized of [{}, { authorization }]) {
    const answer = await ask("GET", "/health", { headers: { host, ...authorized } });
    expect([answer.status, errorOf(answer)]).toEqual([
      403,
      { code: "UNAUTHORIZED", message: "The control interface answers to loopback names only." },
    ]);
  }
});

test("a request without a host is refused [CTL-3]", async () => {
  expect(await raw(`GET /health HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 .*UNAUTHORIZED/s);
  expect(await raw(`GET /health HTTP/1.1\r\nConnection: close\r\nAuthorization: ${authorization}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
});

test.each(["localhost", "localhost:7341", "127.0.0.1", "127.0.0.2:1", "[::1]:7341"])("the host %j is served [CTL-3]", async (host) => {
  expect((await ask("GET", "/health", { headers: { host, authorization } })).status).toBe(200);
});

test.each(["null", "http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1", "file://", "", "http://127.0.0.1.evil.example"])(
  "a page of the origin %j is refused, and no answer invites it [CTL-4]",
  async (origin) => {
    const answer = await ask("GET", "/health", { headers: { authorization, origin } });
    expect([answer.status, errorOf(answer).code]).toEqual([403, "UNAUTHORIZED"]);
    const preflight = await ask("OPTIONS", "/messages", { headers: { origin, "access-control-request-method": "POST" } });
    expect(preflight.status).toBe(403);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  },
);

test("its own origin is served [CTL-4]", async () => {
  const host = `127.0.0.1:${control.port}`;
  expect((await ask("GET", "/health", { headers: { authorization, host, origin: `http://${host}` } })).status).toBe(200);
});

test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "application/json5;x", ""])(
  "what is posted as %j is refused before it is read [CTL-5]",
  async (type) => {
    const answer = await ask("POST", "/pairings", {
      headers: { authorization, "content-type": type },
      body: JSON.stringify({ name: "lap", allow: [] }),
    });
    expect([answer.status, errorOf(answer).code]).toEqual([415, "UNSUPPORTED_MEDIA"]);
  },
);

test.each([
  "{",
  "",
  "\0",
  "[",
  "nul",
  '{"a":1}{"b":2}',
  '{"__proto__":{"to":"lap"}}',
  '{"to":"lap","constructor":{"prototype":{"x":1}}}',
  "[".repeat(100_000),
  "\ud800",
])("garbage in place of JSON is refused in our words (%#)", async (body) => {
  const answer = await ask("POST", "/messages", { headers: json, body });
  expect([answer.status, errorOf(answer)]).toEqual([400, { code: "INVALID_ARGUMENT", message: "The request is not well-formed." }]);
  expect(({} as { x?: number }).x).toBeUndefined();
});

test("a body above the limit is refused, announced or not", async () => {
  const answer = await ask("POST", "/messages", { headers: json, body: JSON.stringify({ to: "x".repeat(2 * limits.bodyBytesMax) }) });
  expect([answer.status, errorOf(answer).code]).toEqual([413, "MESSAGE_TOO_LARGE"]);
});

test.each([
  ["GET", "/nowhere"],
  ["POST", "/stats"],
  ["PUT", "/peers"],
  ["DELETE", "/inbox"],
  ["GET", "/%2e%2e/key"],
])("%s %s is nothing, and says so", async (method, path) => {
  const answer = await ask(method, path, { headers: { ...json, "content-length": "2" }, body: "{}" });
  expect(answer.status).toBe(400);
  expect(errorOf(answer).message).toMatch(/^The control interface has no [A-Z]+ \//);
});

test("a path that cannot be decoded is refused in our words", async () => {
  const answer = await ask("GET", "/peers/%E0%A4%A");
  expect([answer.status, errorOf(answer)]).toEqual([400, { code: "INVALID_ARGUMENT", message: "The request is not well-formed." }]);
});

test("what is no HTTP gets a status, no words of a library, and an end", async () => {
  expect(await raw("hello\r\n\r\n")).toBe("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  expect(await raw(`GET /${"x".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
});

test.each([
  ["/messages", {}, "to wants string."],
  ["/messages", [], "The request wants object."],
  ["/messages", { to: "lap", body: {} }, "body wants either text or json."],
  ["/messages", { to: "lap", body: { text: "a", json: 1 } }, "body wants either text or json."],
  ["/messages", { to: "lap", body: { text: 1 } }, "body.text wants string."],
  [
    "/messages",
    { to: "lap", body: { text: "x".repeat(limits.textLengthMax + 1) } },
    `body.text wants at most ${limits.textLengthMax} characters.`,
  ],
  ["/messages", { to: "lap", body: { text: "a" }, admin: true }, 'There is no field "admin" here: leave it out.'],
  ["/messages", { to: "lap", body: { text: "a" }, until: "sent" }, "until wants stored, delivered or handled."],
  ["/messages", { to: "lap", body: { text: "a" }, timeoutMs: 0 }, "timeoutMs wants at least 1."],
  ["/messages", { to: "lap", body: { text: "a" }, timeoutMs: 1e9 }, `timeoutMs wants at most ${limits.requestTimeoutMsMax}.`],
  ["/messages", { to: "", body: { text: "a" } }, "to wants at least 1 characters."],
  ["/reports", { to: "lap", body: { state: "x".repeat(65) } }, "body.state wants at most 64 characters."],
  [
    "/pairings",
    { name: "two words", allow: [] },
    "name wants letters, digits, dots, dashes or underscores, beginning with a letter or digit.",
  ],
  ["/peers", { peer: "lap", level: "god" }, "level wants blocked, seen, trusted or admin."],
  ["/peers", { peer: "lap", addresses: Array(9).fill("http://10.0.0.1:1") }, "addresses wants at most 8 entries."],
  ["/inbox/read", { messages: [{ from: "x", id: "1" }] }, "messages.0.id wants the id of a message."],
])("%s with %j is refused by the field that is wrong", async (path, body, message) => {
  const answer = await post(path, body);
  expect([answer.status, errorOf(answer)]).toEqual([400, { code: "INVALID_ARGUMENT", message }]);
});

test.each(["?limit=-1", "?limit=1001", "?limit=x", "?unread=perhaps", "?after=1.5", "?everything=1", "?from=", "?limit=1&limit=2"])(
  "a query %s is refused",
  async (query) => {
    const answer = await ask("GET", `/inbox${query}`);
    expect([answer.status, errorOf(answer).code]).toEqual([400, "INVALID_ARGUMENT"]);
    expect(errorOf(answer).message).toMatch(sentence);
  },
);

test("a mistake of our own shows no text of its making, and the log says its kind and place [KEY-6]", async () => {
  const broken = new Proxy(peer, {
    get: (target, name) => {
      if (name === "stats") throw new TypeError("/home/me/secret is undefined");
      return Reflect.get(target, name, target) as unknown;
    },
  });
  await using server = await startControlServer(broken, { listen: { host: "127.0.0.1", port: 0 }, name: "desk", isToken, log });
  const answer = await ask("GET", "/stats", { port: server.port });
  expect([answer.status, errorOf(answer)]).toEqual([
    500,
    { code: "INTERNAL_ERROR", message: "Something went wrong inside; the log of `hikyaku up` says more." },
  ]);
  expect(lines.join("\n")).toMatch(/"event":"control.failed","reason":"TypeError at [^"]*control-server.test.ts/);
  expect(lines.join("\n")).not.toContain("secret");
});

test("many requests on one kept connection leave no listener behind", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  const agent = new KeptAlive({ keepAlive: true, maxSockets: 1 });
  for (let n = 0; n < 15; n += 1) {
    const answer = await ask("POST", "/messages", {
      headers: json,
      agent,
      body: JSON.stringify({ to: "nobody", body: { text: "hello" } }),
    });
    expect(errorOf(answer).code).toBe("UNKNOWN_PEER");
  }
  await new Promise(setImmediate);
  process.off("warning", note);
  agent.destroy();
  expect(warnings).toEqual([]);
});

test("the log holds neither token nor text", () => {
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join("\n")).not.toContain(token);
});
