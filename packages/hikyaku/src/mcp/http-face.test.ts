/** The HTTP face by itself, with tight bounds and a control interface that keeps everybody waiting: who is let in, what is refused, and what a client can make it hold. */
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isSameToken, newControlToken } from "../keystore/control-token.ts";
import type { HttpBounds } from "./bounds.ts";
import type { Control } from "./control.ts";
import { type HttpFace, openHttpFace } from "./http-face.ts";
import { createMcpServer } from "./mcp-server.ts";

const token = newControlToken();
const authorization = `Bearer ${token}`;

/** What was asked of the peer, and which of it was given up. */
const asked: string[] = [];
const givenUp: string[] = [];
const complaints: string[] = [];

/** Knows where it is, and of changes says nothing until nobody asks any more. */
let peers: readonly object[] = [];
const control: Control = {
  get: async <Answer>(path: string, signal?: AbortSignal): Promise<Answer> => {
    asked.push(path);
    if (path === "/peers") return { peers } as Answer;
    if (!path.startsWith("/changes?after=1")) return { cursor: 1, subjects: [], messages: [] } as Answer;
    return await new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        givenUp.push(path);
        reject(new Error("given up"));
      });
    });
  },
  post: async <Answer>(path: string): Promise<Answer> => {
    asked.push(path);
    return {} as Answer;
  },
};

const open = (bounds: Partial<HttpBounds> = {}, host = "127.0.0.1", port = 0): Promise<HttpFace> =>
  openHttpFace((era) => createMcpServer(control, { version: "0.0.0" }, era), {
    listen: { host, port },
    isToken: (offered) => isSameToken(offered, token),
    complain: (sentence) => void complaints.push(sentence),
    bounds,
  });

let face: HttpFace;
beforeEach(async () => {
  for (const list of [asked, givenUp, complaints]) list.length = 0;
  face = await open();
});
afterEach(async () => {
  await face[Symbol.asyncDispose]();
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
});

/** In place of the one that stands open for every test. */
async function reopen(bounds: Partial<HttpBounds>): Promise<void> {
  await face[Symbol.asyncDispose]();
  face = await open(bounds);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const json = { authorization, "content-type": "application/json", accept: "application/json, text/event-stream" };

function send({ method = "POST", path = "/mcp", headers = json, body }: Asking): ClientRequest {
  const sent = request({ host: "127.0.0.1", port: face.port, method, path, headers });
  sent.end(body);
  return sent;
}

const begun = (sent: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => void sent.once("response", resolve).once("error", reject));

async function ask(asking: Asking): Promise<Answer> {
  const answer = await begun(send(asking));
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) text += String(chunk);
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

const rpc = (method: string, params: object = {}, id = 1): string => JSON.stringify({ jsonrpc: "2.0", id, method, params });
const initialize = rpc("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "0" } });
const call = (name: string, given: object, id = 7): string => rpc("tools/call", { name, arguments: given }, id);

/** The id of a new session. */
const begin = async (): Promise<string> => {
  const { status, headers } = await ask({ body: initialize });
  expect(status).toBe(200);
  return String(headers["mcp-session-id"]);
};
const inSession = (id: string): Readonly<Record<string, string>> => ({
  ...json,
  "mcp-session-id": id,
  "mcp-protocol-version": "2025-11-25",
});

const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const modern = (method: string, params: object, name?: string): Asking => ({
  headers: { ...json, "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...(name === undefined ? {} : { "mcp-name": name }) },
  body: rpc(method, { ...params, _meta: meta }),
});

function errorOf({ text }: Answer): { readonly code: number; readonly message: string } {
  const answered: unknown = JSON.parse(text);
  expect(answered).toEqual({ jsonrpc: "2.0", id: null, error: { code: expect.any(Number), message: expect.any(String) } });
  return (answered as { readonly error: { readonly code: number; readonly message: string } }).error;
}

test("it listens on loopback only [MCP-1]", async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
  for (const host of ["0.0.0.0", "::", ...(outside === undefined ? [] : [outside])])
    await expect(open({}, host)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("loopback address") });
});

test("a port that is taken is named, with the way out", async () => {
  const second = open({}, "127.0.0.1", face.port);
  await expect(second).rejects.toMatchObject({ code: "ADDRESS_IN_USE", message: expect.stringContaining(`127.0.0.1:${face.port}`) });
  await expect(second).rejects.toThrow("--http");
});

test.each(["evil.example", "evil.example:7342", "127.0.0.1.evil.example", "localhost.", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1"])(
  "the host %j is refused, whatever the token [MCP-2]",
  async (host) => {
    for (const headers of [
      { ...json, host },
      { "content-type": "application/json", host },
    ]) {
      const answer = await ask({ headers, body: initialize });
      expect(answer.status).toBe(403);
      expect(errorOf(answer).message).toBe("This server answers to loopback names only.");
      expect(answer.headers["mcp-session-id"]).toBeUndefined();
    }
  },
);

test("a request without a host is refused [MCP-2]", async () => {
  const socket = connect(face.port, "127.0.0.1");
  socket.write(`GET /mcp HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`);
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1\.1 403 /);
});

test.each(["localhost", "localhost:7342", "127.0.0.1", "127.0.0.2:1", "[::1]:7342"])("the host %j is served [MCP-2]", async (host) => {
  expect((await ask({ headers: { ...json, host }, body: initialize })).status).toBe(200);
});

test.each(["null", "http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1", "file://", "", "http://127.0.0.1.evil.example"])(
  "a page of the origin %j is refused, and no answer invites it [MCP-3]",
  async (origin) => {
    const answer = await ask({ headers: { ...json, origin }, body: initialize });
    expect(answer.status).toBe(403);
    expect(errorOf(answer).message).toBe("This server answers no other site's pages.");
    const preflight = await ask({ method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    expect(preflight.status).toBe(403);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  },
);

test("its own origin is served [MCP-3]", async () => {
  const host = `127.0.0.1:${face.port}`;
  expect((await ask({ headers: { ...json, host, origin: `http://${host}` }, body: initialize })).status).toBe(200);
});

test.each([
  ["no token", {}],
  ["an empty token", { authorization: "Bearer " }],
  ["another token", { authorization: `Bearer ${newControlToken()}` }],
  ["the start of the token", { authorization: authorization.slice(0, -1) }],
  ["more than the token", { authorization: `${authorization}0` }],
  ["another scheme", { authorization: `Basic ${token}` }],
  ["a cookie", { cookie: `token=${token}` }],
])("%s is refused, for everything, also for what is not there, and nothing is done [MCP-4]", async (_, headers) => {
  const { authorization: _left, ...others } = json;
  for (const [method, path] of [
    ["POST", "/mcp"],
    ["GET", "/mcp"],
    ["DELETE", "/mcp"],
    ["GET", "/.well-known/oauth-protected-resource"],
  ] as const) {
    const answer = await ask({
      method,
      path: `${path}?token=${token}`,
      headers: { ...others, ...headers },
      ...(method === "POST" ? { body: initialize } : {}),
    });
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="hikyaku"']);
    expect(errorOf(answer).message).not.toContain(token);
  }
});

test.each([
  ["GET", "/", 404],
  ["POST", "/mcp/", 404],
  ["POST", "/MCP", 404],
  ["GET", "/mcp%2f", 404],
  ["PUT", "/mcp", 405],
  ["TRACE", "/mcp", 405],
  ["OPTIONS", "/mcp", 405],
])("%s %s is nothing, and says so", async (method, path, status) => {
  const answer = await ask({ method, path, headers: { ...json, "content-length": "2" }, body: "{}" });
  expect([answer.status, errorOf(answer).code]).toEqual([status, -32_000]);
});

test.each(["{", "", "\0", "nul", '{"a":1}{"b":2}', "[".repeat(100_000)])(
  "garbage in place of JSON is refused (%#) [MCP-5]",
  async (body) => {
    const answer = await ask({ body });
    expect([answer.status, errorOf(answer)]).toEqual([400, { code: -32_700, message: "The body is no JSON." }]);
  },
);

test.each(["null", "1", "[]", "{}", '{"jsonrpc":"1.0","id":1,"method":"ping"}', '{"jsonrpc":"2.0","id":{},"method":"ping"}', '"ping"'])(
  "%s is JSON and no JSON-RPC, and is refused with and without a session [MCP-5]",
  async (body) => {
    for (const headers of [json, inSession(await begin())]) {
      const { status, text } = await ask({ headers, body });
      expect([status, JSON.parse(text)]).toMatchObject([400, { jsonrpc: "2.0", error: { code: expect.any(Number) } }]);
    }
  },
);

test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
  "what is posted as %j is refused before it is read [MCP-5]",
  async (type) => {
    expect((await ask({ headers: { ...json, "content-type": type }, body: initialize })).status).toBe(415);
  },
);

test("a body above the limit is refused, announced or not [MCP-5]", async () => {
  await reopen({ bodyBytesMax: 10_000 });
  const body = initialize.padEnd(10_001);
  const chunked = { ...json, "transfer-encoding": "chunked" };
  for (const headers of [json, chunked]) expect((await ask({ headers, body })).status).toBe(413);
  for (const headers of [json, chunked]) expect((await ask({ headers, body: initialize.padEnd(10_000) })).status).toBe(200);
});

test("more answers than are allowed at once are refused, and the next one is served again [MCP-5]", async () => {
  await reopen({ answersMax: 2 });
  const id = await begin();
  const waiting = [7, 8].map((n) => send({ headers: inSession(id), body: call("read_messages", { wait_s: 50 }, n) }));
  for (const sent of waiting) await begun(sent);
  const refused = await ask({ headers: inSession(id), body: rpc("ping") });
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "5"]);
  waiting[0]?.destroy();
  await vi.waitFor(async () => expect((await ask({ headers: inSession(id), body: rpc("ping") })).status).toBe(200));
  waiting[1]?.destroy();
});

/** A client that opens a stream of changes and never reads it. */
async function deaf(): Promise<Socket> {
  const { headers = {}, body = "" } = modern("subscriptions/listen", { notifications: { resourceSubscriptions: ["hikyaku://inbox"] } });
  const lines = Object.entries({ host: "localhost", ...headers, "content-length": String(body.length) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const socket = connect(face.port, "127.0.0.1");
  socket.write(`POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
  await new Promise((resolve) => socket.once("readable", resolve));
  expect(String(socket.read())).toContain("200 OK");
  return socket;
}

/** Whether it has been cut off, once it reads again what is still there. */
async function isCutOff(socket: Socket): Promise<boolean> {
  const closed = new Promise<true>((resolve) => void socket.once("close", () => resolve(true)));
  socket.on("error", () => undefined).resume();
  return await Promise.race([closed, pause(5_000, false)]);
}

const eventBytesMin = 150;

/** More than the system keeps for a connection, so that much of it stays here where nobody reads. */
async function changeMuch(atOnce = 1_000): Promise<void> {
  for (let n = 0; n < 80_000; n += 1) {
    face.changed("inbox");
    if (n % atOnce === 0) await new Promise(setImmediate);
  }
}

test("who never reads is cut off before its changes fill the memory [MCP-6]", async () => {
  await reopen({ unreadBytesMax: 100_000 });
  const socket = await deaf();
  await changeMuch();
  expect(await isCutOff(socket)).toBe(true);
});

test("who never reads is cut off after a while, however little it is [MCP-6]", async () => {
  await reopen({ unreadBytesMax: Number.MAX_SAFE_INTEGER, unreadMsMax: 200 });
  const socket = await deaf();
  await changeMuch();
  await pause(500);
  expect(await isCutOff(socket)).toBe(true);
});

test("who reads is not cut off, however much it is [MCP-6]", async () => {
  await reopen({ unreadBytesMax: 1_000_000, unreadMsMax: 200 });
  const socket = (await deaf()).resume();
  await changeMuch(100);
  await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(80_000 * eventBytesMin), 5_000);
  await pause(500);
  expect(socket.closed).toBe(false);
  socket.destroy();
});

test("an answer that is longer than what may be left unread arrives whole at a client that reads [MCP-6]", async () => {
  await reopen({ unreadBytesMax: 100_000 });
  peers = Array.from({ length: 200 }, (_, n) => ({
    name: `p${String(n).padStart(3, "0")}`,
    did: "d".repeat(50_000),
    level: "trusted",
    scopes: [],
    health: "idle",
  }));
  for (const versionNegotiation of [{ mode: "auto" } as const, undefined]) {
    const client = new Client({ name: "reader", version: "1" }, versionNegotiation === undefined ? {} : { versionNegotiation });
    const requestInit = { headers: { authorization } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${face.port}/mcp`), { requestInit }));
    const { structuredContent } = await client.callTool({ name: "list_peers", arguments: { limit: 200 } });
    expect((structuredContent as { readonly peers: readonly object[] }).peers).toHaveLength(200);
    await client.close();
  }
});

test("a stream ends at its age, and its client may open another one [MCP-6]", async () => {
  await reopen({ answerMsMax: 100 });
  const id = await begin();
  for (let n = 0; n < 2; n += 1) {
    const answer = await Promise.race([ask({ method: "GET", headers: inSession(id) }), pause(5_000, "still open")]);
    expect(answer).toMatchObject({ status: 200, text: "" });
  }
});

test.each(["GET", "POST", "DELETE"])("%s without a session is refused, and with an unknown one it is not found [MCP-7]", async (method) => {
  const body = method === "POST" ? { body: rpc("tools/list") } : {};
  expect((await ask({ method, ...body })).status).toBe(400);
  const unknown = await ask({ method, headers: inSession("9b2d3f1c-0000-4000-8000-000000000000"), ...body });
  expect([unknown.status, errorOf(unknown).code]).toEqual([404, -32_001]);
});

test("a client ends its session, with what is open in it [MCP-7]", async () => {
  const headers = inSession(await begin());
  const stream = await begun(send({ method: "GET", headers }));
  const ended = new Promise((resolve) => void stream.resume().once("end", resolve));
  expect((await ask({ method: "DELETE", headers })).status).toBe(200);
  await ended;
  expect((await ask({ headers, body: rpc("ping") })).status).toBe(404);
});

test("a session that nobody uses ends, and one that listens does not [MCP-7]", async () => {
  await reopen({ sessionIdleMsMax: 300 });
  const [idle, listening] = [inSession(await begin()), inSession(await begin())];
  const sent = send({ method: "GET", headers: listening });
  await begun(sent);
  await pause(800);
  expect((await ask({ headers: idle, body: rpc("ping") })).status).toBe(404);
  expect((await ask({ headers: listening, body: rpc("ping") })).status).toBe(200);
  sent.destroy();
});

test("a newcomer gets the place of the session that was unused for longest, and none where all are used [MCP-7]", async () => {
  await reopen({ sessionsMax: 2 });
  const [first, second] = [inSession(await begin()), inSession(await begin())];
  expect((await ask({ headers: first, body: rpc("ping") })).status).toBe(200);
  const third = inSession(await begin());
  expect((await ask({ headers: second, body: rpc("ping") })).status).toBe(404);
  const streams = [first, third].map((headers) => send({ method: "GET", headers }));
  for (const sent of streams) await begun(sent);
  expect((await ask({ body: initialize })).status).toBe(503);
  streams[0]?.destroy();
  await vi.waitFor(async () => expect((await ask({ body: initialize })).status).toBe(200));
  streams[1]?.destroy();
});

test("who does not come in takes no place [MCP-7]", async () => {
  await reopen({ sessionsMax: 1 });
  const id = await begin();
  const stream = send({ method: "GET", headers: inSession(id) });
  await begun(stream);
  stream.destroy();
  await vi.waitFor(async () => expect((await ask({ headers: { ...json, accept: "text/html" }, body: initialize })).status).toBe(406));
  expect((await ask({ body: initialize })).status).toBe(200);
});

test("a client that goes in the middle of a call gives it up, in a session [MCP-8]", async () => {
  const headers = inSession(await begin());
  const sent = send({ headers, body: call("read_messages", { wait_s: 50 }) });
  await begun(sent);
  await vi.waitFor(() => expect(asked.some((path) => path.startsWith("/changes?after=1"))).toBe(true));
  expect(givenUp).toEqual([]);
  sent.destroy();
  await vi.waitFor(() => expect(givenUp.length).toBe(1));
  expect((await ask({ headers, body: rpc("ping") })).status).toBe(200);
});

test("a client that goes in the middle of a call gives it up, in the newest revision [MCP-8]", async () => {
  const sent = send(modern("tools/call", { name: "read_messages", arguments: { wait_s: 50 } }, "read_messages"));
  sent.on("error", () => undefined);
  await vi.waitFor(() => expect(asked.some((path) => path.startsWith("/changes?after=1"))).toBe(true));
  expect(givenUp).toEqual([]);
  sent.destroy();
  await vi.waitFor(() => expect(givenUp.length).toBe(1));
});

test("when it closes, streams and calls end at once", async () => {
  const headers = inSession(await begin());
  const stream = await begun(send({ method: "GET", headers }));
  const ended = new Promise((resolve) => void stream.resume().once("close", resolve));
  const calling = send({ headers, body: call("read_messages", { wait_s: 50 }) });
  await begun(calling);
  const listening = await deaf();
  const start = performance.now();
  await face[Symbol.asyncDispose]();
  expect(performance.now() - start).toBeLessThan(2_000);
  await ended;
  expect(await isCutOff(listening)).toBe(true);
  await vi.waitFor(() => expect(givenUp.length).toBe(1));
});

const transport = (): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${face.port}/mcp`), { requestInit: { headers: { authorization } } });

test("clients of both revisions list the same tools", async () => {
  const names = async (versionNegotiation?: { readonly mode: "auto" }): Promise<readonly string[]> => {
    const client = new Client({ name: "test", version: "0" }, versionNegotiation === undefined ? {} : { versionNegotiation });
    await client.connect(transport());
    const { tools } = await client.listTools();
    await client.close();
    return tools.map(({ name }) => name);
  };
  const older = await names();
  expect(older).toContain("send_message");
  expect(await names({ mode: "auto" })).toEqual(older);
});
