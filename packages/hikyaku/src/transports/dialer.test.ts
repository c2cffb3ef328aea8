import { type AddressInfo, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { type AddressKind, type Dialer, type DialOptions, type Exchange, silentLog } from "@hikyaku/peer";
import { encodeUtf8, limits } from "@hikyaku/protocol";
import { deafHolder } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { createDialer as createNodeDialer, type DialerSettings } from "./dialer.ts";
import { linkFailure } from "./link-failure.ts";

const frame = encodeUtf8('{"a":1}');
const received = { kind: "received", replies: [], more: false };
const malformed = { kind: "refused", code: "MALFORMED_MESSAGE" };
const receivedText = '{"status":"received","entity_id":"did:key:zDesk","replies":[]}';
const patience = () => AbortSignal.timeout(10_000);
const anywhere = { isAllowed: () => true, signal: patience(), holder: deafHolder };

const answer = (body: string | Buffer, start = "HTTP/1.1 200 OK", ...headers: readonly string[]): Buffer =>
  Buffer.concat([Buffer.from([start, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, "", ""].join("\r\n")), Buffer.from(body)]);

interface Server extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Every connection that was ever made. */
  readonly sockets: Socket[];
  readonly requests: string[];
}

/** A peer that says whatever the test wants, request by request. */
async function serve(respond: (socket: Socket) => void): Promise<Server> {
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => socket.destroy()));
    socket.on("data", (chunk) => {
      requests.push(chunk.toString());
      // The head and the body of a request may come in two pieces.
      if (chunk.toString().endsWith("}")) respond(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://127.0.0.1:${port}`, port, sockets, requests, [Symbol.asyncDispose]: end };
}

/** Exchanges only; what becomes of calls for streams is in stream-dialer.test.ts. */
const createDialer = (settings: Partial<DialerSettings> = {}) => createNodeDialer({ log: silentLog, streams: false, ...settings });

async function dialFor(dialer: Dialer, address: string, options: Partial<DialOptions> = {}): Promise<Exchange> {
  const link = await dialer.dial(address, { ...anywhere, ...options });
  if (link.kind !== "exchange") throw new TypeError("a stream came");
  return link;
}

async function deliverTo(address: string, settings: Partial<DialerSettings> = {}) {
  await using dialer = createDialer(settings);
  const link = await dialFor(dialer, address);
  return await link.deliver(frame, patience());
}

test("a frame is one POST /message, with the name that was dialled [HTTP-1]", async () => {
  await using server = await serve((socket) => socket.write(answer(receivedText)));
  expect(await deliverTo(`http://localhost:${server.port}`)).toEqual(received);
  const [head = "", body] = server.requests.join("").split("\r\n\r\n");
  expect(head.split("\r\n").sort()).toEqual([
    "POST /message HTTP/1.1",
    "connection: keep-alive",
    "content-length: 7",
    "content-type: application/json",
    `host: localhost:${server.port}`,
  ]);
  expect(body).toBe('{"a":1}');
});

test("redirects are not followed [HTTP-5]", async () => {
  await using target = await serve((socket) => socket.write(answer(receivedText)));
  for (const status of ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]) {
    const redirect = answer(receivedText, `HTTP/1.1 ${status}`, `Location: ${target.address}/message`);
    await using server = await serve((socket) => socket.write(redirect));
    expect(await deliverTo(server.address)).toEqual(malformed);
  }
  expect(target.sockets).toEqual([]);
});

test("of what a name resolves to, the first permitted address is dialled, and the name is asked for once [HTTP-5]", async () => {
  await using server = await serve((socket) => socket.write(answer(receivedText)));
  const answers = [["169.254.169.254", "::ffff:127.0.0.1"], ["127.0.0.2"]];
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    return answers[asked.length - 1] ?? [];
  };
  await using dialer = createDialer({ resolve });
  const judged: unknown[] = [];
  const isAllowed = (...place: readonly [string, AddressKind]) => judged.push(place) === 2;
  const link = await dialFor(dialer, `http://rebinding.example:${server.port}`, { isAllowed, signal: patience() });
  expect(link.origin).toEqual({ host: "127.0.0.1", prefix: "127.0.0" });
  expect(judged).toEqual([
    ["169.254.169.254", "link-local"],
    ["127.0.0.1", "loopback"],
  ]);
  await link.deliver(frame, patience());
  for (const socket of server.sockets) socket.destroy();
  await link.deliver(frame, patience());
  expect(asked).toEqual(["rebinding.example"]);
});

test.each([
  ["a name", "http://evil.example:80", ["10.0.0.1", "::1"], "10.0.0.1 (private), ::1 (loopback)"],
  ["a mapped address", "http://[::ffff:7f00:1]:80", undefined, "127.0.0.1 (loopback)"],
  ["a number in disguise", "http://127.1:80", undefined, "127.0.0.1 (loopback)"],
  ["a name without addresses", "http://empty.example:80", [], "no address at all"],
])("%s that leads to a forbidden place is not dialled [TRUST-6] [HTTP-5]", async (_, address, found, places) => {
  await using dialer = createDialer(found === undefined ? {} : { resolve: async () => found });
  const dialing = dialFor(dialer, address, { isAllowed: (_host, kind) => kind === "public", signal: patience() });
  const message = `${address} is not dialled: it resolves to ${places}, which nobody permitted.`;
  await expect(dialing).rejects.toMatchObject({ name: "HikyakuError", code: "UNREACHABLE", message });
});

const endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;

test("an answer without end is cut at its bound, and the connection with it [HTTP-6]", async () => {
  let sent = 0;
  await using server = await serve((socket) => {
    socket.write(endless);
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    socket.on("drain", pour);
    pour();
  });
  expect(await deliverTo(server.address)).toEqual(malformed);
  await expect.poll(() => server.sockets[0]?.destroyed).toBe(true);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test.each([
  ["an announced length over the bound", answer(" ".repeat(limits.answerBytesMax + 1))],
  ["headers without end", Buffer.from(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`)],
  ["another protocol", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")],
  ["noise", Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7919) & 0xff))],
  ["a packed answer", answer(gzipSync(receivedText), "HTTP/1.1 200 OK", "Content-Encoding: gzip")],
  ["a page", answer("<html>Welcome to the router</html>")],
  ["a good answer under another status", answer(receivedText, "HTTP/1.1 201 Created")],
  ["nothing", answer("", "HTTP/1.1 204 No Content")],
])("%s is one refusal [HTTP-6]", async (_, bytes) => {
  await using server = await serve((socket) => socket.end(bytes));
  expect(await deliverTo(server.address)).toEqual(malformed);
});

test("an answer that does not come in time is TIMED_OUT, though bytes trickle in [HTTP-6]", async () => {
  await using server = await serve((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    const drip = setInterval(() => socket.write(" "), 20);
    socket.once("close", () => clearInterval(drip));
  });
  const delivering = deliverTo(server.address, { bounds: { answerMsMax: 200 } });
  await expect(delivering).rejects.toMatchObject({ code: "TIMED_OUT", message: `${server.address} gave no answer within 200 ms.` });
});

test("a connection that is cut is UNREACHABLE by name", async () => {
  await using server = await serve((socket) => socket.destroy());
  const message = `${server.address} cannot be reached: the connection was cut before an answer came.`;
  await expect(deliverTo(server.address)).rejects.toMatchObject({ code: "UNREACHABLE", message });
});

test("a place where nothing listens is UNREACHABLE by name", async () => {
  const server = await serve(() => undefined);
  await server[Symbol.asyncDispose]();
  const message = `${server.address} cannot be reached: connection refused; nothing listens there.`;
  await expect(deliverTo(server.address)).rejects.toMatchObject({ code: "UNREACHABLE", message });
});

test("a name that nobody knows is UNREACHABLE", async () => {
  const resolve = () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));
  const message = "http://desk.example:7340 cannot be reached: the name is not known.";
  await expect(deliverTo("http://desk.example:7340", { resolve })).rejects.toMatchObject({ code: "UNREACHABLE", message });
});

test("a name server that never answers holds nobody up for ever, and an abort ends the wait", async () => {
  const resolve = () => new Promise<never>(() => undefined);
  await expect(deliverTo("http://desk.example:1", { resolve, bounds: { connectMsMax: 50 } })).rejects.toMatchObject({ code: "TIMED_OUT" });
  await using dialer = createDialer({ resolve });
  const dialing = dialFor(dialer, "http://desk.example:1", { isAllowed: () => true, signal: AbortSignal.timeout(50) });
  await expect(dialing).rejects.toMatchObject({ code: "CANCELED" });
});

test.each([
  ["EHOSTUNREACH", "no route to this host"],
  ["ENETUNREACH", "no route to this network; is this machine online?"],
  ["UND_ERR_CONNECT_TIMEOUT", "nobody answers; it may be switched off, or a firewall is in the way"],
  ["ECONNRESET", "the connection was cut"],
  ["ESTRANGE", "the connection failed (ESTRANGE)"],
])("%s is told in words, with the address and the cause", (code, words) => {
  const cause = Object.assign(new Error("internal text"), { code });
  expect(linkFailure("http://desk:7340", cause)).toMatchObject({
    code: "UNREACHABLE",
    message: `http://desk:7340 cannot be reached: ${words}.`,
    cause,
  });
});

const deliverMany = (link: Exchange, count: number) => Promise.all(Array.from({ length: count }, () => link.deliver(frame, patience())));

test("to one host there are at most three connections, kept and used again", async () => {
  await using server = await serve((socket) => setTimeout(() => socket.write(answer(receivedText)), 5));
  await using dialer = createDialer();
  const link = await dialFor(dialer, server.address);
  await deliverMany(link, 12);
  await deliverMany(await dialFor(dialer, server.address), 12);
  expect(server.sockets).toHaveLength(3);
});

test("connections to a bounded number of hosts are kept; what an older one still carries comes home", async () => {
  await using slow = await serve((socket) => setTimeout(() => socket.write(answer(receivedText)), 100));
  await using quick = await serve((socket) => socket.write(answer(receivedText)));
  await using dialer = createDialer({ bounds: { poolsMax: 1 } });
  const carrying = (await dialFor(dialer, slow.address)).deliver(frame, patience());
  expect(await (await dialFor(dialer, quick.address)).deliver(frame, patience())).toEqual(received);
  expect(await carrying).toEqual(received);
  await expect.poll(() => slow.sockets[0]?.destroyed).toBe(true);
});
