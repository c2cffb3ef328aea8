import { connect } from "node:net";
import { type Log, type StreamBounds, silentLog } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { StreamWitness } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { createDialer } from "./dialer.ts";
import { createHttpListener, type HttpListenerSettings } from "./http-listener.ts";

const patience = () => AbortSignal.timeout(10_000);
const soon = { timeout: 8000, interval: 10 };

interface Place extends AsyncDisposable {
  readonly port: number;
  readonly address: string;
  readonly witness: StreamWitness;
  readonly log: readonly (readonly unknown[])[];
}

async function listen(settings: Partial<HttpListenerSettings> = {}): Promise<Place> {
  const lines: unknown[][] = [];
  const log: Log = { write: (...line) => void lines.push(line) };
  const listener = createHttpListener({
    listen: { host: "127.0.0.1", port: 0 },
    advertise: [],
    did: "did:key:zDesk",
    publicKey: new Uint8Array(32),
    log,
    ...settings,
  });
  const witness = new StreamWitness();
  await listener.start(async () => ({ kind: "received", replies: [], more: false }), witness);
  const [address = ""] = listener.addresses;
  const end = () => listener[Symbol.asyncDispose]();
  return { port: Number(address.split(":").at(-1)), address, witness, log: lines, [Symbol.asyncDispose]: end };
}

type Headers = Readonly<Record<string, string | undefined>>;

function upgrade(headers: Headers = {}, start = "GET /ws"): string {
  const all: Headers = {
    Host: "desk",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "pcp.v1",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [`${start} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

interface FrameOptions {
  readonly first?: number;
  readonly isMasked?: boolean;
  /** Instead of the true one. */
  readonly length?: number;
}

const final = 0x80;
const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame of RFC 6455 §5.2; its mask is zero, so that the payload reads as it is. */
function frame(payload: Buffer | string, { first = final | opcodes.text, isMasked = true, length }: FrameOptions = {}): Buffer {
  const bytes = Buffer.from(payload);
  const told = length ?? bytes.length;
  const mask = isMasked ? 0x80 : 0;
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(told));
  const head = told < 126 ? [mask | told] : told < 65_536 ? [mask | 126, told >> 8, told & 0xff] : [mask | 127, ...long];
  return Buffer.concat([Buffer.from([first, ...head, ...(isMasked ? [0, 0, 0, 0] : [])]), bytes]);
}

/** A client that may do anything; a reset counts as an end. */
function dialRaw(port: number, localAddress = "127.0.0.1") {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  const chunks: Buffer[] = [];
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => chunks.push(chunk));
  const heard = () => Buffer.concat(chunks).toString("latin1");
  return { socket, heard };
}

const expectClosed = async ({ socket }: ReturnType<typeof dialRaw>): Promise<void> =>
  await expect.poll(() => socket.closed, soon).toBe(true);

async function open(port: number): Promise<ReturnType<typeof dialRaw>> {
  const raw = dialRaw(port);
  raw.socket.write(upgrade());
  await expect.poll(() => raw.heard().includes("\r\n\r\n"), soon).toBe(true);
  expect(raw.heard()).toMatch(/^HTTP\/1\.1 101 /);
  return raw;
}

const statusOf = (text: string): number => Number(text.split(" ")[1]);
/** The code in the close frame that stands after the upgrade's answer, if the last thing heard is one. */
function closeCodeOf(text: string): number | undefined {
  const bytes = Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1");
  const start = bytes.lastIndexOf(final | opcodes.close);
  return start === -1 ? undefined : bytes.readUInt16BE(start + 2);
}

/** However it was treated, the next one is served. */
async function expectServed({ address, witness }: Place): Promise<void> {
  await using dialer = createDialer({ log: silentLog });
  const link = await dialer.dial(address, { isAllowed: () => true, signal: patience(), holder: new StreamWitness() });
  if (link.kind !== "stream") throw new TypeError("no stream");
  const mine = Uint8Array.of(0x8a, ...crypto.getRandomValues(new Uint8Array(16)));
  await link.send(mine, patience());
  await expect.poll(() => witness.frames.some((heard) => Buffer.compare(heard, mine) === 0), soon).toBe(true);
}

/** Whatever strangers do is nothing to wake anybody up for. */
const expectQuiet = ({ log }: Place): void => expect(log.filter(([level]) => level !== "debug")).toEqual([]);

test("an upgrade is answered with the subprotocol and nothing else [STREAM-1]", async () => {
  await using place = await listen();
  const { heard, socket } = await open(place.port);
  expect(heard().trim().split("\r\n")).toEqual([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    expect.stringMatching(/^Sec-WebSocket-Accept: /),
    "Sec-WebSocket-Protocol: pcp.v1",
  ]);
  socket.destroy();
});

test("who offers more than one subprotocol gets ours, and nothing is packed", async () => {
  await using place = await listen();
  const raw = dialRaw(place.port);
  raw.socket.write(upgrade({ "Sec-WebSocket-Protocol": "pcp.v2, pcp.v1", "Sec-WebSocket-Extensions": "permessage-deflate" }));
  await expect.poll(() => raw.heard().includes("\r\n\r\n"), soon).toBe(true);
  expect(raw.heard()).toContain("Sec-WebSocket-Protocol: pcp.v1\r\n");
  expect(raw.heard()).not.toContain("Extensions");
  raw.socket.destroy();
});

test.each<readonly [string, number, string]>([
  ["no subprotocol", 400, upgrade({ "Sec-WebSocket-Protocol": undefined })],
  ["another subprotocol", 400, upgrade({ "Sec-WebSocket-Protocol": "pcp.v11" })],
  ["a broken subprotocol", 400, upgrade({ "Sec-WebSocket-Protocol": "pcp.v1,,canary" })],
  ["the page of a foreign site", 400, upgrade({ Origin: "https://evil.example" })],
  ["a page of our own host", 400, upgrade({ Origin: "http://desk" })],
  ["a page without a name", 400, upgrade({ Origin: "null" })],
  ["an empty origin", 400, upgrade({ Origin: "" })],
  ["an old page", 400, upgrade({ "Sec-WebSocket-Version": "8", "Sec-WebSocket-Origin": "http://desk" })],
  ["no key", 400, upgrade({ "Sec-WebSocket-Key": undefined })],
  ["a short key", 400, upgrade({ "Sec-WebSocket-Key": "canary" })],
  ["no version", 400, upgrade({ "Sec-WebSocket-Version": undefined })],
  ["another version", 400, upgrade({ "Sec-WebSocket-Version": "8" })],
  ["another path", 404, upgrade({}, "GET /canary")],
  ["a path with more to it", 404, upgrade({}, "GET /ws/canary")],
  ["a path with a question", 404, upgrade({}, "GET /ws?canary")],
  ["another method", 404, upgrade({ "Content-Type": "canary" }, "POST /ws")],
  ["another protocol", 404, upgrade({ Upgrade: "h2c" })],
  ["no wish to be upgraded", 404, upgrade({ Upgrade: undefined, Connection: "close" })],
])("%s is %i without a word, and no stream [STREAM-1]", async (_, status, text) => {
  await using place = await listen();
  const raw = dialRaw(place.port);
  raw.socket.write(text);
  await expectClosed(raw);
  const end = raw.heard().indexOf("\r\n\r\n");
  expect([statusOf(raw.heard()), raw.heard().slice(end + 4)]).toEqual([status, ""]);
  expect(raw.heard()).not.toContain("canary");
  expect(place.witness.told).toEqual([]);
  await expectServed(place);
  expectQuiet(place);
});

test("a method of proxies is cut off", async () => {
  await using place = await listen();
  const raw = dialRaw(place.port);
  raw.socket.write(upgrade({}, "CONNECT desk:80"));
  await expectClosed(raw);
  expect(raw.heard()).toBe("");
  await expectServed(place);
});

test("a frame over HTTP that would like to be upgraded is answered over HTTP", async () => {
  await using place = await listen();
  const raw = dialRaw(place.port);
  const headers = { Connection: "Upgrade, close", Upgrade: "websocket", "Content-Type": "application/json", "Content-Length": "2" };
  raw.socket.write(`${upgrade(headers, "POST /message")}{}`);
  await expectClosed(raw);
  expect(statusOf(raw.heard())).toBe(200);
});

test.each<readonly [string, number, Buffer]>([
  ["an unmasked frame", 1002, frame("{}", { isMasked: false })],
  ["a reserved bit", 1002, frame("{}", { first: final | 0x40 | opcodes.text })],
  ["another reserved bit", 1002, frame("{}", { first: final | 0x10 | opcodes.text })],
  ["an unknown kind of frame", 1002, frame("{}", { first: final | 3 })],
  ["a continuation of nothing", 1002, frame("{}", { first: final | opcodes.more })],
  ["a message within a message", 1002, Buffer.concat([frame("{", { first: opcodes.text }), frame("{}")])],
  ["a ping in pieces", 1002, frame("", { first: opcodes.ping })],
  ["a ping too long", 1002, frame("x".repeat(126), { first: final | opcodes.ping })],
  ["a text that is no UTF-8", 1007, frame(Buffer.from([0x7b, 0xff, 0x7d]))],
  ["a text that is no object", 1007, frame("[]")],
  ["an empty message", 1007, frame("", { first: final | opcodes.binary })],
  ["a message one byte too long", 1009, frame(Buffer.alloc(limits.envelopeBytesMax + 1), { first: final | opcodes.binary })],
  ["a promise of a message too long", 1009, frame("", { first: final | opcodes.binary, length: limits.envelopeBytesMax + 1 })],
  ["a promise of a terabyte", 1009, frame("", { first: final | opcodes.binary, length: 2 ** 40 })],
  ["a promise beyond all numbers", 1009, frame("", { first: final | opcodes.binary, length: Number.MAX_SAFE_INTEGER * 4 })],
  ["more pieces than any message has", 1008, pieces(limits.streamFragmentsMax + 1)],
  ["pieces without end that hold nothing", 1008, pieces(100_000)],
  ["pieces that add up to too much", 1009, pieces(6, 60_000)],
  ["a second upgrade", 1002, Buffer.from(upgrade())],
  ["an HTTP request", 1002, Buffer.from("POST /message HTTP/1.1\r\n\r\n")],
  ["a farewell with a forbidden code", 1002, frame(Buffer.from([0x03, 0xee]), { first: final | opcodes.close })],
  ["a farewell of one byte", 1002, frame("x", { first: final | opcodes.close })],
])("%s ends its stream with %i, and nobody else's [STREAM-2] [STREAM-5]", async (_, code, bytes) => {
  await using place = await listen();
  const raw = await open(place.port);
  raw.socket.write(bytes);
  await expect.poll(() => closeCodeOf(raw.heard()), soon).toBe(code);
  await expect.poll(() => place.witness.all("closed").length, soon).toBe(1);
  expect(place.witness.all("frame")).toEqual([]);
  await expectClosed(raw);
  await expectServed(place);
  expectQuiet(place);
});

/** A message that never ends. */
function pieces(count: number, length = 0): Buffer {
  const more = frame("x".repeat(length), { first: opcodes.more });
  return Buffer.concat([frame("{", { first: opcodes.text }), ...Array<Buffer>(count).fill(more)]);
}

test("a message in pieces, with pings between them, is one frame, and every ping is answered", async () => {
  await using place = await listen();
  const raw = await open(place.port);
  const ping = frame("?", { first: final | opcodes.ping });
  const message = [frame('{"a"', { first: opcodes.text }), ping, frame(":", { first: opcodes.more }), ping, frame("1}", { first: final })];
  for (const bytes of message) raw.socket.write(bytes);
  await expect.poll(() => place.witness.frames.map((bytes) => Buffer.from(bytes).toString()), soon).toEqual(['{"a":1}']);
  await expect.poll(() => raw.heard().split("\x8a\x01?").length, soon).toBe(3);
  raw.socket.destroy();
});

test.each([
  ["that reads the answers", true],
  ["that reads nothing", false],
])("a flood of pings from one %s is cut off, and costs nothing that grows [STREAM-5]", async (_, isRead) => {
  await using place = await listen();
  const raw = await open(place.port);
  if (!isRead) raw.socket.pause();
  const flood = Buffer.concat(Array<Buffer>(1000).fill(frame("x".repeat(125), { first: final | opcodes.ping })));
  const pour = () => {
    while (!raw.socket.destroyed && raw.socket.write(flood));
  };
  raw.socket.on("drain", pour);
  pour();
  await expect.poll(() => place.witness.all("closed").length, soon).toBe(1);
  if (!isRead) raw.socket.resume();
  await expectClosed(raw);
  await expectServed(place);
  expectQuiet(place);
});

test("a client that does nothing but ping is sent away, though it waits for each answer [STREAM-5]", async () => {
  await using place = await listen();
  const raw = await open(place.port);
  for (let count = 0; count <= limits.streamPingsMax; count += 1) {
    const before = raw.heard().length;
    raw.socket.write(frame("", { first: final | opcodes.ping }));
    await expect.poll(() => raw.heard().length, soon).toBeGreaterThan(before);
  }
  await expect.poll(() => place.witness.all("closed"), soon).toMatchObject([{ reason: "it only pings" }]);
});

test("pings between frames are nobody's fault", async () => {
  await using place = await listen();
  const raw = await open(place.port);
  for (let round = 0; round < 5; round += 1) {
    for (let count = 0; count < limits.streamPingsMax; count += 1) raw.socket.write(frame("", { first: final | opcodes.ping }));
    raw.socket.write(frame("{}"));
    await expect.poll(() => place.witness.frames.length, soon).toBe(round + 1);
  }
  expect(place.witness.all("closed")).toEqual([]);
  raw.socket.destroy();
});

test("a reader that stops reading costs its writer a bounded amount, is cut, and others are served meanwhile [STREAM-3] [STREAM-4]", async () => {
  const streamBounds: Partial<StreamBounds> = { stallMsMax: 1500 };
  await using place = await listen({ streamBounds });
  const raw = await open(place.port);
  raw.socket.pause();
  const [opened] = place.witness.all("opened");
  const bytes = new Uint8Array(limits.envelopeBytesMax).fill(0x8a);
  const before = process.memoryUsage.rss();
  let taken = 0;
  const writing = (async () => {
    for (; taken < 4096; taken += 1) await opened?.stream.send(bytes, patience());
  })();
  await expectServed(place);
  await expect(writing).rejects.toMatchObject({ code: "UNREACHABLE" });
  expect(place.witness.all("closed")).toMatchObject([{ reason: expect.any(String) }, { reason: "the other side stopped reading" }]);
  // What the system takes into its own buffers, 1 MiB here, and no more of the gigabyte.
  expect(taken * limits.envelopeBytesMax).toBeLessThan(16 * 1024 * 1024);
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  raw.socket.destroy();
  expectQuiet(place);
});

test("a client that sends while nobody takes its frames in is held up by the system's own buffers [STREAM-3]", async () => {
  await using place = await listen();
  const work = Promise.withResolvers<void>();
  place.witness.work = () => work.promise;
  const raw = await open(place.port);
  const flood = Buffer.concat(Array<Buffer>(64).fill(frame(Buffer.alloc(16_384, 0x8a), { first: final | opcodes.binary })));
  let sent = 0;
  const pour = () => {
    while (!raw.socket.destroyed && raw.socket.write(flood)) sent += flood.length;
    sent += flood.length;
  };
  raw.socket.on("drain", pour);
  pour();
  await expect.poll(() => place.witness.frames.length, soon).toBe(limits.streamFramesInWorkMax);
  for (let before = -1; before !== sent; await new Promise((resolve) => setTimeout(resolve, 200))) before = sent;
  expect(place.witness.frames).toHaveLength(limits.streamFramesInWorkMax);
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  expect(place.witness.all("closed")).toEqual([]);
  raw.socket.destroy();
  work.resolve();
  await expect.poll(() => place.witness.all("closed").length, soon).toBe(1);
});

const hasty = { headersMsMax: 200, requestMsMax: 300, checkIntervalMs: 50, keepAliveMs: 200, stallMsMax: 300, closeMsMax: 500 };

test("half an upgrade request and silence is 408 in time", async () => {
  await using place = await listen({ bounds: hasty });
  const raw = dialRaw(place.port);
  raw.socket.write(upgrade().slice(0, -2));
  await expectClosed(raw);
  expect(statusOf(raw.heard())).toBe(408);
  await expectServed(place);
});

test("the time-outs of HTTP end with HTTP: a quiet stream outlives all of them [STREAM-4]", async () => {
  await using place = await listen({ bounds: hasty });
  const raw = await open(place.port);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  raw.socket.write(frame("{}"));
  await expect.poll(() => place.witness.frames.length, soon).toBe(1);
  raw.socket.destroy();
});

test("a connection that served a request may be upgraded afterwards, and its keep-alive ends there", async () => {
  await using place = await listen({ bounds: hasty });
  const raw = dialRaw(place.port);
  raw.socket.write("GET /health HTTP/1.1\r\nHost: desk\r\n\r\n");
  await expect.poll(() => raw.heard().includes('{"status":"ok"}'), soon).toBe(true);
  raw.socket.write(upgrade());
  await expect.poll(() => raw.heard().includes("101 Switching"), soon).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  raw.socket.write(frame("{}"));
  await expect.poll(() => place.witness.frames.length, soon).toBe(1);
  raw.socket.destroy();
});

test("an upgrade behind a request that is still in work is no upgrade, and its answer comes out whole", async () => {
  await using place = await listen({ bounds: hasty });
  const raw = dialRaw(place.port);
  raw.socket.write(`GET /health HTTP/1.1\r\nHost: desk\r\n\r\n${upgrade()}${frame("{}").toString("latin1")}`);
  await expectClosed(raw);
  expect(raw.heard()).toMatch(/^HTTP\/1\.1 200 OK[^]*\{"status":"ok"\}HTTP\/1\.1 404 /);
  expect(place.witness.told).toEqual([]);
  await expectServed(place);
  expectQuiet(place);
});

test("a message that drips is cut when no frame came in for too long", async () => {
  await using place = await listen({ streamBounds: { idleMsMax: 400 } });
  const raw = await open(place.port);
  const slow = frame("x".repeat(1000));
  let at = 0;
  const drip = setInterval(() => raw.socket.write(slow.subarray(at, ++at)), 20);
  await expectClosed(raw);
  clearInterval(drip);
  expect(place.witness.told).toMatchObject([{ kind: "opened" }, { kind: "closed", reason: "nothing came in for too long" }]);
  await expectServed(place);
});

test("a client that stays after the farewell is cut in the end", async () => {
  await using place = await listen({ streamBounds: { closeMsMax: 200 } });
  const raw = await open(place.port);
  raw.socket.pause();
  place.witness.all("opened")[0]?.stream.close("enough");
  await expect.poll(() => place.witness.all("closed").length, soon).toBe(1);
  raw.socket.resume();
  await expectClosed(raw);
});

test("streams count as connections of their network and of all, and a place that gets free is given again [HTTP-3] [STREAM-5]", async () => {
  await using place = await listen({ bounds: { connectionsPerPrefixMax: 2 } });
  const [first, second] = [await open(place.port), await open(place.port)];
  const third = dialRaw(place.port);
  third.socket.write(upgrade());
  await expectClosed(third);
  expect(third.heard()).toBe("");
  const neighbour = dialRaw(place.port, "127.0.1.1");
  neighbour.socket.write(upgrade());
  await expect.poll(() => statusOf(neighbour.heard()), soon).toBe(101);
  first.socket.destroy();
  await expect.poll(() => place.witness.all("closed").length, soon).toBe(1);
  await expectServed(place);
  for (const { socket } of [second, neighbour]) socket.destroy();
  expectQuiet(place);
});

test("when all places are taken, of a crowd's streams the one unheard for longest makes room for a newcomer [HTTP-8] [STREAM-5]", async () => {
  await using place = await listen({ bounds: { connectionsMax: 3 } });
  const crowd = [await open(place.port), await open(place.port), await open(place.port)];
  crowd[0]?.socket.write(frame("{}"));
  await expect.poll(() => place.witness.frames.length, soon).toBe(1);
  const newcomer = dialRaw(place.port, "127.0.1.1");
  newcomer.socket.write(upgrade());
  await expect.poll(() => statusOf(newcomer.heard()), soon).toBe(101);
  await expect.poll(() => crowd[1]?.socket.closed, soon).toBe(true);
  expect(place.witness.all("closed")).toHaveLength(1);
  expect(place.witness.all("closed")[0]?.stream).toBe(place.witness.all("opened")[1]?.stream);
  for (const { socket } of [...crowd, newcomer]) socket.destroy();
  expectQuiet(place);
});

test("a listener that ends says so to every stream, and waits for none that does not listen", async () => {
  const place = await listen({ streamBounds: { closeMsMax: 300 } });
  const [polite, deaf] = [await open(place.port), await open(place.port)];
  deaf.socket.pause();
  polite.socket.on("data", () => polite.socket.end(frame(Buffer.from([0x03, 0xe9]), { first: final | opcodes.close })));
  const start = performance.now();
  await place[Symbol.asyncDispose]();
  expect(performance.now() - start).toBeLessThan(limits.listenerCloseMsMax);
  expect(closeCodeOf(polite.heard())).toBe(1001);
  expect(place.witness.all("closed")).toHaveLength(2);
  deaf.socket.destroy();
});

test("a holder that fails is logged without a word of the exception, ends its stream, and nothing else", async () => {
  await using place = await listen();
  place.witness.work = async () => {
    place.witness.work = async () => undefined;
    throw new TypeError("secret canary");
  };
  const raw = await open(place.port);
  raw.socket.write(frame("{}"));
  await expectClosed(raw);
  const loud = place.log.filter(([level]) => level !== "debug");
  expect(loud).toEqual([["error", "stream.failed", { host: "127.0.0.1", reason: expect.stringMatching(/^TypeError at /) }]]);
  await expectServed(place);
});
