import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Log, Receiver, Reception } from "@hikyaku/peer";
import { silentLog } from "@hikyaku/peer";
import { encodeHex, limits } from "@hikyaku/protocol";
import { deafHolder } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { createHttpListener, type HttpListenerSettings } from "./http-listener.ts";

const did = "did:key:zDesk";
const publicKey = new Uint8Array(32).fill(7);
const received: Reception = { kind: "received", replies: [], more: false };
const receivedText = `{"status":"received","entity_id":"${did}","replies":[]}`;
const malformedText = '{"error":{"code":"MALFORMED_MESSAGE"}}';
const unsupportedText = '{"error":{"code":"UNSUPPORTED_MEDIA"}}';
const tooLargeText = '{"error":{"code":"MESSAGE_TOO_LARGE"}}';

interface Place extends AsyncDisposable {
  readonly port: number;
  readonly frames: string[];
}

async function listen(settings: Partial<HttpListenerSettings> = {}, receiver: Receiver = async () => received): Promise<Place> {
  const listener = createHttpListener({
    listen: { host: "127.0.0.1", port: 0 },
    advertise: [],
    did,
    publicKey,
    log: silentLog,
    ...settings,
  });
  const frames: string[] = [];
  await listener.start((frame, origin) => {
    frames.push(Buffer.from(frame).toString());
    return receiver(frame, origin);
  }, deafHolder);
  return { port: Number(listener.addresses[0]?.split(":").at(-1)), frames, [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose]() };
}

/** Everything that comes back until the other side ends; a reset counts as an end. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => socket.destroy());
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

function send(port: number, ...texts: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  for (const text of texts) socket.write(text);
  return readAll(socket);
}

function request(start: string, headers: Readonly<Record<string, string | number>> = {}, body = ""): string {
  const fields = Object.entries({ Host: "desk", Connection: "close", ...headers });
  return [`${start} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), "", body].join("\r\n");
}

const post = (body: string, headers: Readonly<Record<string, string | number>> = {}): string =>
  request("POST /message", { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...headers }, body);

const statusOf = (answer: string): number => Number(answer.split(" ")[1]);
const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);

test("a frame goes to the receiver as it came, and the answer names us [HTTP-1]", async () => {
  await using place = await listen();
  const answer = await send(place.port, post('{"é":"not even checked here'));
  expect([statusOf(answer), bodyOf(answer)]).toEqual([200, receivedText]);
  expect(answer.toLowerCase()).toContain("\r\ncontent-type: application/json\r\n");
  expect(place.frames).toEqual(['{"é":"not even checked here']);
});

test("a frame of 256 KiB is taken, one byte more is not, whether announced, hidden or chunked [HTTP-1]", async () => {
  await using place = await listen();
  const largest = "x".repeat(limits.envelopeBytesMax);
  const chunked = (body: string): string =>
    request(
      "POST /message",
      { "Content-Type": "application/json", "Transfer-Encoding": "chunked" },
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
  expect(statusOf(await send(place.port, post(largest)))).toBe(200);
  expect(statusOf(await send(place.port, chunked(largest)))).toBe(200);
  const hidden = await send(place.port, chunked(`${largest}x`));
  expect([statusOf(hidden), bodyOf(hidden)]).toEqual([413, tooLargeText]);
  const announced = await send(
    place.port,
    request("POST /message", { "Content-Type": "application/json", "Content-Length": largest.length + 1 }),
  );
  expect([statusOf(announced), bodyOf(announced)]).toEqual([413, tooLargeText]);
  expect(place.frames).toHaveLength(2);
});

test.each([
  ["another type", { "Content-Type": "text/plain" }],
  ["parameters", { "Content-Type": "application/json; charset=utf-8" }],
  ["no type", { "Content-Type": "" }],
  ["a broken type", { "Content-Type": ";;;" }],
  ["gzip", { "Content-Encoding": "gzip" }],
  ["even the identity encoding", { "Content-Encoding": "identity" }],
])("a frame with %s is 415 and unread [HTTP-1]", async (_, headers) => {
  await using place = await listen();
  const answer = await send(place.port, post("{}", headers));
  expect([statusOf(answer), bodyOf(answer)]).toEqual([415, unsupportedText]);
  expect(place.frames).toEqual([]);
});

test("an empty body is malformed and goes to nobody [HTTP-1]", async () => {
  await using place = await listen();
  const answer = await send(place.port, post(""));
  expect([statusOf(answer), bodyOf(answer)]).toEqual([400, malformedText]);
  expect(place.frames).toEqual([]);
});

test.each(["/peers", "/stats"])("%s is 404, with a token as without [HTTP-4]", async (path) => {
  await using place = await listen();
  const headers = { Authorization: `Bearer ${"a".repeat(64)}` };
  expect([bodyOf(await send(place.port, request(`GET ${path}`))), bodyOf(await send(place.port, request(`GET ${path}`, headers)))]).toEqual(
    ["", ""],
  );
  expect(statusOf(await send(place.port, request(`GET ${path}`)))).toBe(404);
  expect(statusOf(await send(place.port, request(`GET ${path}`, headers)))).toBe(404);
});

test.each([
  "GET /message",
  "PUT /message",
  "DELETE /message",
  "OPTIONS /message",
  "PROPFIND /message",
  "QUERY /message",
  "HEAD /health",
  "POST /health",
  "GET /",
  "GET /Message",
  "GET /health/",
  "GET //health",
  "GET /secret-canary",
  "GET /%zz-canary",
  `GET /${"a".repeat(4000)}-canary`,
  "POST /canary",
])("%s is 404 without a word [HTTP-2] [HTTP-4]", async (start) => {
  await using place = await listen();
  const answer = await send(place.port, request(start, { "Content-Type": "text/canary", "Content-Length": 8 }, '"canary"'));
  expect([statusOf(answer), bodyOf(answer)]).toEqual([404, ""]);
  expect(answer).not.toContain("canary");
});

test.each([
  ["garbage", "\x16\x03\x01canary\r\n\r\n", 400],
  ["another protocol", "SSH-2.0-canary\r\n", 400],
  ["a length that is no number", post("{}", { "Content-Length": "canary" }), 400],
  ["a negative length", post("{}", { "Content-Length": -1 }), 400],
  ["two lengths", post("{}", { "content-length": 3 }), 400],
  ["length and chunks", post("{}", { "Transfer-Encoding": "chunked" }), 400],
  ["a broken chunk", request("POST /message", { "Content-Type": "application/json", "Transfer-Encoding": "chunked" }, "canary\r\n"), 400],
  ["an endless header", request("GET /health", { "X-Canary": "canary".repeat(4000) }), 431],
])("%s is refused without a word [HTTP-2]", async (_, text, status) => {
  await using place = await listen();
  const answer = await send(place.port, text);
  expect([statusOf(answer), bodyOf(answer)]).toEqual([status, ""]);
  expect(place.frames).toEqual([]);
});

test("a body longer than its announced length is cut there, and the rest opens nothing [HTTP-2]", async () => {
  await using place = await listen();
  const answers = await send(place.port, post('{"a":1}canary', { "Content-Length": 7, Connection: "keep-alive" }));
  expect(answers).not.toContain("canary");
  expect(place.frames).toEqual(['{"a":1}']);
});

test("a receiver that throws is 500 with a number that the log explains, and no text of the exception [HTTP-2]", async () => {
  const events: unknown[] = [];
  const log: Log = { write: (...event) => void events.push(event) };
  await using place = await listen({ log }, async () => {
    throw Object.assign(new TypeError("secret canary"), { statusCode: 418, code: "canary" });
  });
  const answer = await send(place.port, post("{}"));
  expect(statusOf(answer)).toBe(500);
  const { error } = JSON.parse(bodyOf(answer));
  expect(error).toEqual({ code: "INTERNAL_ERROR", correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  const fields = { correlation_id: error.correlation_id, reason: expect.stringMatching(/^TypeError at .*http-listener\.test\.ts/) };
  expect(events).toEqual([["error", "listener.failed", fields]]);
});

test.each<readonly [Reception, number, string, string | undefined]>([
  [{ kind: "refused", code: "REJECTED" }, 400, '{"error":{"code":"REJECTED","rehandshake":true}}', undefined],
  [{ kind: "refused", code: "RATE_LIMITED", retryAfterS: 7 }, 429, '{"error":{"code":"RATE_LIMITED","retry_after":7}}', "7"],
  [{ kind: "refused", code: "OVERLOADED", retryAfterS: 1 }, 503, '{"error":{"code":"OVERLOADED","retry_after":1}}', "1"],
  [
    { kind: "refused", code: "INVALID_VERSION", versions: ["1.2"] },
    400,
    '{"error":{"code":"INVALID_VERSION","versions":["1.2"]}}',
    undefined,
  ],
])("a refusal is its code, status and constant text: %j [HTTP-2] [ERR-4]", async (refusal, status, body, retryAfter) => {
  await using place = await listen({}, async () => refusal);
  const answer = await send(place.port, post("{}"));
  expect([statusOf(answer), bodyOf(answer)]).toEqual([status, body]);
  expect(/^retry-after: (.*)\r$/im.exec(answer)?.[1]).toBe(retryAfter);
});

test("health says only that we are alive, and the key is there for everybody [HTTP-4]", async () => {
  await using place = await listen();
  expect(bodyOf(await send(place.port, request("GET /health")))).toBe('{"status":"ok"}');
  expect(bodyOf(await send(place.port, request("GET /public-key")))).toBe(`{"entity_id":"${did}","public_key":"${encodeHex(publicKey)}"}`);
});

test("more work than is bounded is OVERLOADED, until some is done [HTTP-3]", async () => {
  const work = Promise.withResolvers<Reception>();
  let begun = 0;
  await using place = await listen({ bounds: { requestsInWorkMax: 2, closeMsMax: 500 } }, async () => {
    begun += 1;
    return begun > 2 ? received : await work.promise;
  });
  const pending = [send(place.port, post("1")), send(place.port, post("2"))];
  await expect.poll(() => place.frames.length).toBe(2);
  const refused = await send(place.port, post("3"));
  expect([statusOf(refused), bodyOf(refused)]).toEqual([503, '{"error":{"code":"OVERLOADED","retry_after":1}}']);
  work.resolve(received);
  expect((await Promise.all(pending)).map(statusOf)).toEqual([200, 200]);
  expect(statusOf(await send(place.port, post("4")))).toBe(200);
  expect(place.frames).toEqual(["1", "2", "4"]);
});

const hasty = { headersMsMax: 200, requestMsMax: 300, checkIntervalMs: 50, keepAliveMs: 200, stallMsMax: 10_000, closeMsMax: 500 };

test.each([
  ["headers that never end", "POST /message HTTP/1.1\r\nHost: desk\r\n"],
  ["a body that never ends", post("{", { "Content-Length": 100 })],
  ["chunks that never end", request("POST /message", { "Content-Type": "application/json", "Transfer-Encoding": "chunked" }, "1\r\n{\r\n")],
])("%s: 408, and the socket is closed [HTTP-3]", async (_, text) => {
  await using place = await listen({ bounds: hasty });
  expect(statusOf(await send(place.port, text))).toBe(408);
  expect(place.frames).toEqual([]);
});

test("a byte now and then does not keep a slow request alive [HTTP-3]", async () => {
  await using place = await listen({ bounds: hasty });
  const socket = connect(place.port, "127.0.0.1");
  socket.write("POST /message HTTP/1.1\r\nX: ");
  const drip = setInterval(() => socket.write("x"), 20);
  const answer = await readAll(socket);
  clearInterval(drip);
  expect(statusOf(answer)).toBe(408);
});

test.each([
  ["one that never says a word", "", 408],
  ["one that is idle after its request", post("{}", { Connection: "keep-alive" }), 200],
])("a connection is closed in the end: %s [HTTP-3]", async (_, text, status) => {
  await using place = await listen({ bounds: hasty });
  expect(statusOf(await send(place.port, text))).toBe(status);
});

test("the receiver may take longer than a request may [HTTP-3]", async () => {
  await using place = await listen({ bounds: hasty }, async () => {
    await delay(600);
    return received;
  });
  expect(statusOf(await send(place.port, post("{}")))).toBe(200);
});

test("connections beyond the cap of one network are cut, others still come in, and a place that gets free is given again [HTTP-3]", async () => {
  await using place = await listen({ bounds: { connectionsPerPrefixMax: 2, closeMsMax: 100 } });
  const holders = [connect(place.port, "127.0.0.1"), connect(place.port, "127.0.0.1")];
  await Promise.all(holders.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  expect(await send(place.port, request("GET /health"))).toBe("");
  const neighbour = connect({ port: place.port, host: "127.0.0.1", localAddress: "127.0.1.1" });
  neighbour.write(request("GET /health"));
  expect(statusOf(await readAll(neighbour))).toBe(200);
  for (const socket of holders) socket.destroy();
  await expect.poll(async () => statusOf(await send(place.port, request("GET /health")))).toBe(200);
});

test("connections beyond the cap in all are cut [HTTP-3]", async () => {
  await using place = await listen({ bounds: { connectionsMax: 1, closeMsMax: 100 } });
  const holder = connect(place.port, "127.0.0.1");
  await new Promise((resolve) => holder.once("connect", resolve));
  const stranger = connect({ port: place.port, host: "127.0.0.1", localAddress: "127.0.1.1" });
  stranger.write(request("GET /health"));
  expect(await readAll(stranger)).toBe("");
  holder.destroy();
});

describe("when all connections are taken [HTTP-8]", () => {
  /** A connection from a network of its own, on which this was said; it stays open. */
  async function hold(port: number, network: number, said = ""): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.${network}.1` }).on("error", () => socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve));
    if (said !== "") await new Promise((resolve) => socket.write(said, resolve));
    return socket;
  }
  const isOpen = async (socket: Socket): Promise<boolean> => {
    await delay(50);
    return !socket.destroyed && !socket.readableEnded;
  };
  const health = request("GET /health", { Connection: "keep-alive" });
  const comeFrom = async (port: number, network: number): Promise<string> => {
    const socket = await hold(port, network);
    socket.write(request("GET /health"));
    return await readAll(socket);
  };
  const bounds = { connectionsMax: 4, closeMsMax: 100 };

  test("a network that holds the most gives a place: the one idle longest, whoever was there first", async () => {
    await using place = await listen({ bounds });
    const friend = await hold(place.port, 1);
    const crowd = [await hold(place.port, 2), await hold(place.port, 2), await hold(place.port, 2)];
    crowd[0]?.resume().write(health);
    await delay(50);
    expect(statusOf(await comeFrom(place.port, 3))).toBe(200);
    crowd[1]?.resume();
    expect(await Promise.all([friend, ...crowd].map(isOpen))).toEqual([true, true, false, true]);
    for (const socket of [friend, ...crowd]) socket.destroy();
  });

  test("no network loses a place to one that would hold as many", async () => {
    await using place = await listen({ bounds });
    const holders = await Promise.all([1, 1, 2, 2].map((network) => hold(place.port, network)));
    const third = await hold(place.port, 3);
    expect(await Promise.all([third, ...holders].map((socket) => isOpen(socket.resume())))).toContain(false);
    expect(await isOpen(third)).toBe(true);
    expect(await comeFrom(place.port, 3)).toBe("");
    for (const socket of [third, ...holders]) socket.destroy();
  });

  test("a request in work is not cut for a newcomer", async () => {
    const work = Promise.withResolvers<Reception>();
    await using place = await listen({ bounds }, () => work.promise);
    const crowd = await Promise.all([2, 2, 2, 2].map((network) => hold(place.port, network, post("{}"))));
    await expect.poll(() => place.frames.length).toBe(4);
    expect(await comeFrom(place.port, 3)).toBe("");
    const answers = crowd.map(readAll);
    work.resolve(received);
    expect((await Promise.all(answers)).map(statusOf)).toEqual([200, 200, 200, 200]);
  });

  test("a request that never comes whole holds no place", async () => {
    await using place = await listen({ bounds });
    const crowd = await Promise.all([2, 2, 2, 2].map((network) => hold(place.port, network, post("{", { "Content-Length": 100 }))));
    await delay(50);
    expect(statusOf(await comeFrom(place.port, 3))).toBe(200);
    for (const socket of crowd) socket.destroy();
  });
});

test("closing waits for work in hand, cuts idle connections at once, and silent ones after a while", async () => {
  const work = Promise.withResolvers<Reception>();
  const place = await listen({ bounds: { closeMsMax: 500 } }, () => work.promise);
  const working = send(place.port, post("{}", { Connection: "keep-alive" }));
  const silent = send(place.port, "");
  await expect.poll(() => place.frames.length).toBe(1);
  const closing = place[Symbol.asyncDispose]();
  work.resolve(received);
  expect(bodyOf(await working)).toBe(receivedText);
  await closing;
  expect(await silent).toBe("");
});

test("an answer given while closing ends its connection, so that closing need not wait for it", async () => {
  const work = Promise.withResolvers<Reception>();
  const place = await listen({ bounds: { closeMsMax: 60_000 } }, () => work.promise);
  const working = send(place.port, post("{}", { Connection: "keep-alive" }));
  await expect.poll(() => place.frames.length).toBe(1);
  const closing = place[Symbol.asyncDispose]();
  work.resolve(received);
  expect(statusOf(await working)).toBe(200);
  await closing;
});

test("a frame that comes in while closing is answered like any other [HTTP-2]", async () => {
  const work = Promise.withResolvers<Reception>();
  const place = await listen({}, () => work.promise);
  const socket = connect(place.port, "127.0.0.1");
  socket.write(post("1", { Connection: "keep-alive" }));
  const answers = readAll(socket);
  await expect.poll(() => place.frames.length).toBe(1);
  const closing = place[Symbol.asyncDispose]();
  socket.write(post("2"));
  await expect.poll(() => place.frames.length).toBe(2);
  work.resolve(received);
  expect((await answers).split(receivedText)).toHaveLength(3);
  await closing;
});

test("a taken address is ADDRESS_IN_USE, with the address and the way out", async () => {
  await using place = await listen();
  const starting = listen({ listen: { host: "127.0.0.1", port: place.port } });
  const message = `Cannot listen at 127.0.0.1:${place.port}: the address is taken; another hikyaku may be running; use --listen to choose another port.`;
  await expect(starting).rejects.toMatchObject({ name: "HikyakuError", code: "ADDRESS_IN_USE", message });
});

test.each([
  ["203.0.113.1", "this machine has no such address"],
  ["no-such-host.invalid", "use --listen with"],
])("listening at %s fails in plain words", async (host, why) => {
  await expect(listen({ listen: { host, port: 0 } })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(new RegExp(`^Cannot listen at ${host}:0: .*${why}`)),
  });
});

test("advertised addresses stand in for those that were found", async () => {
  const advertise = ["http://desk.example:80"];
  await using listener = createHttpListener({ listen: { host: "127.0.0.1", port: 0 }, advertise, did, publicKey, log: silentLog });
  await listener.start(async () => received, deafHolder);
  expect(listener.addresses).toEqual(advertise);
});

test("a listener on every interface is told who came over IPv4 in IPv6 clothes", async () => {
  const hosts: string[] = [];
  const listener = createHttpListener({ listen: { host: "::", port: 0 }, advertise: [], did, publicKey, log: silentLog });
  await using _end = listener;
  await listener.start(async (_, { host }) => {
    hosts.push(host);
    return received;
  }, deafHolder);
  await send(Number(listener.addresses[0]?.split(":").at(-1)), post("{}"));
  expect(hosts).toEqual(["127.0.0.1"]);
});
