import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type AddressKind, type Log, silentLog } from "@hikyaku/peer";
import { encodeUtf8, limits } from "@hikyaku/protocol";
import { ManualClock, StreamWitness } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { createDialer, type DialerSettings } from "./dialer.ts";
import { createHttpListener } from "./http-listener.ts";
import { StreamlessHosts } from "./streamless-hosts.ts";

const patience = () => AbortSignal.timeout(10_000);
const soon = { timeout: 5000, interval: 10 };
const options = () => ({ isAllowed: () => true, signal: patience(), holder: new StreamWitness() });
const receivedText = '{"status":"received","entity_id":"did:key:zDesk","replies":[]}';

interface Host extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly requests: string[];
  readonly sockets: Socket[];
}

async function host(server: Server, requests: string[] = []): Promise<Host> {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket.on("error", () => socket.destroy())));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://127.0.0.1:${port}`, port, requests, sockets, [Symbol.asyncDispose]: end };
}

/** A peer that knows HTTP only, and answers what it does not know with some status. */
function hostOldPeer(status: number, headers: Readonly<Record<string, string>> = {}): Promise<Host> {
  const requests: string[] = [];
  const server = createHttpServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.method === "POST") response.end(receivedText);
    else response.writeHead(status, headers).end("canary".repeat(10_000));
  });
  return host(server, requests);
}

/** A server that answers every connection's first bytes with something. */
const hostRaw = (answer: (socket: Socket) => void): Promise<Host> =>
  host(createServer((socket) => void socket.once("data", () => answer(socket))));

const dialerFor = (settings: Partial<DialerSettings> = {}) => createDialer({ log: silentLog, ...settings });

test.each([200, 301, 400, 401, 403, 404, 405, 426, 501, 505])(
  "a host that answers a call for a stream with %i speaks HTTP only: the link is an exchange, and it is not called again for a while [STREAM-6]",
  async (status) => {
    await using old = await hostOldPeer(status, { Location: "http://127.0.0.1:1/ws" });
    const clock = new ManualClock();
    await using dialer = dialerFor({ clock });
    const link = await dialer.dial(old.address, options());
    if (link.kind !== "exchange") throw new TypeError("a stream came");
    expect(await link.deliver(encodeUtf8("{}"), patience())).toMatchObject({ kind: "received" });
    await clock.pass(limits.streamlessMsMax - 1);
    await dialer.dial(old.address, options());
    expect(old.requests).toEqual(["GET /ws", "POST /message"]);
    await clock.pass(1);
    await dialer.dial(old.address, options());
    expect(old.requests).toEqual(["GET /ws", "POST /message", "GET /ws"]);
  },
);

test.each([429, 500, 502, 503, 504])(
  "a host that answers with %i may be better soon: an exchange now, and called again next time [STREAM-6]",
  async (status) => {
    await using old = await hostOldPeer(status);
    await using dialer = dialerFor();
    for (let count = 0; count < 2; count += 1) expect(await dialer.dial(old.address, options())).toMatchObject({ kind: "exchange" });
    expect(old.requests).toEqual(["GET /ws", "GET /ws"]);
  },
);

const accepted = (request: IncomingMessage, ...headers: readonly string[]): string =>
  ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", ...headers, "", ""].join("\r\n");

test.each([
  ["a wrong proof", ["Sec-WebSocket-Accept: canary", "Sec-WebSocket-Protocol: pcp.v1"]],
  ["no proof", ["Sec-WebSocket-Protocol: pcp.v1"]],
])("a host that upgrades with %s speaks no streams of ours", async (_, headers) => {
  const server = createHttpServer();
  server.on("upgrade", (request, socket) => socket.write(accepted(request, ...headers)));
  await using other = await host(server);
  await using dialer = dialerFor();
  expect(await dialer.dial(other.address, options())).toMatchObject({ kind: "exchange", route: other.address });
});

test.each([
  ["no subprotocol", false as const],
  ["another subprotocol", "chat"],
])("a WebSocket server that takes %s speaks no streams of ours", async (_, protocol) => {
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => protocol });
  await using other = await host(server);
  await using dialer = dialerFor();
  expect(await dialer.dial(other.address, options())).toMatchObject({ kind: "exchange" });
  sockets.close();
});

test("a call names the host as announced, and sends nothing that a page would", async () => {
  const texts: string[] = [];
  await using raw = await host(
    createServer(
      (socket) => void socket.once("data", (chunk) => texts.push(chunk.toString()) && socket.end("HTTP/1.1 404 Not Found\r\n\r\n")),
    ),
  );
  await using dialer = dialerFor();
  await dialer.dial(`http://localhost:${raw.port}`, options());
  expect(texts[0]?.trim().split("\r\n").sort()).toEqual([
    "Connection: Upgrade",
    "GET /ws HTTP/1.1",
    expect.stringMatching(/^Sec-WebSocket-Key: /),
    "Sec-WebSocket-Protocol: pcp.v1",
    "Sec-WebSocket-Version: 13",
    "Upgrade: websocket",
    `host: localhost:${raw.port}`,
  ]);
});

test("of what a name resolves to, the first permitted address is called, and the name is asked for once [HTTP-5]", async () => {
  await using old = await hostOldPeer(404);
  const answers = [["169.254.169.254", "::ffff:127.0.0.1"], ["127.0.0.2"]];
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return answers[asked.length - 1] ?? [];
  };
  await using dialer = dialerFor({ resolve });
  const judged: unknown[] = [];
  const isAllowed = (...place: readonly [string, AddressKind]) => judged.push(place) === 2;
  const link = await dialer.dial(`http://rebinding.example:${old.port}`, { ...options(), isAllowed });
  expect(link.origin).toEqual({ host: "127.0.0.1", prefix: "127.0.0" });
  expect(judged).toEqual([
    ["169.254.169.254", "link-local"],
    ["127.0.0.1", "loopback"],
  ]);
  expect([asked, old.requests]).toEqual([["rebinding.example"], ["GET /ws"]]);
});

test("a place where nothing listens is UNREACHABLE by name", async () => {
  const old = await hostOldPeer(404);
  await old[Symbol.asyncDispose]();
  await using dialer = dialerFor();
  const message = `${old.address} cannot be reached: connection refused; nothing listens there.`;
  await expect(dialer.dial(old.address, options())).rejects.toMatchObject({ code: "UNREACHABLE", message });
});

test.each([
  ["cuts the connection", (socket: Socket) => socket.destroy(), "the connection was cut"],
  ["speaks another protocol", (socket: Socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"), "the connection failed (HPE_"],
  [
    "sends headers without end",
    (socket: Socket) => socket.end(`HTTP/1.1 101 X\r\nX: ${"x".repeat(100_000)}`),
    "the connection failed (HPE_",
  ],
])("a host that %s is UNREACHABLE by name, with the cause", async (_, answer, cause) => {
  await using raw = await hostRaw(answer);
  await using dialer = dialerFor();
  const message = expect.stringContaining(`${raw.address} cannot be reached: ${cause}`);
  await expect(dialer.dial(raw.address, options())).rejects.toMatchObject({ code: "UNREACHABLE", message });
});

function drip(socket: Socket, start: string, drop: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(drop), 20);
  socket.once("close", () => clearInterval(timer));
}

test.each([
  ["says nothing", () => undefined],
  ["drips a header", (socket: Socket) => drip(socket, "HTTP/1.1 101 X\r\nX: ", "x")],
  ["informs without end", (socket: Socket) => drip(socket, "", "HTTP/1.1 103 Early Hints\r\n\r\n")],
])("a host that %s is TIMED_OUT, and let go", async (_, answer) => {
  await using raw = await hostRaw(answer);
  await using dialer = dialerFor({ bounds: { connectMsMax: 300 } });
  const message = `${raw.address} gave no answer within 300 ms.`;
  await expect(dialer.dial(raw.address, options())).rejects.toMatchObject({ code: "TIMED_OUT", message });
  await expect.poll(() => raw.sockets.every(({ destroyed }) => destroyed), soon).toBe(true);
});

test("a caller that aborts in the middle gets CANCELED, and so does one whose dialer ends", async () => {
  await using raw = await hostRaw(() => undefined);
  await using dialer = dialerFor();
  await expect(dialer.dial(raw.address, { ...options(), signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: "CANCELED" });
  const dialing = dialer.dial(raw.address, options());
  await expect.poll(() => raw.sockets.length, soon).toBe(2);
  await Promise.all([expect(dialing).rejects.toMatchObject({ code: "CANCELED" }), dialer[Symbol.asyncDispose]()]);
  await expect.poll(() => raw.sockets.every(({ destroyed }) => destroyed), soon).toBe(true);
});

async function serveStreams(talk: (socket: WebSocket) => void): Promise<Host> {
  const server = createHttpServer();
  new WebSocketServer({ server, handleProtocols: () => "pcp.v1" }).on("connection", (socket) => {
    socket.on("error", () => undefined);
    talk(socket);
  });
  return await host(server);
}

test("a server that speaks in the same breath as it upgrades is heard by whoever dialled, after the dialling is done", async () => {
  await using server = await serveStreams((socket) => socket.send("{}"));
  await using dialer = dialerFor();
  const holder = new StreamWitness();
  let dialled: unknown;
  holder.work = async (stream) => expect(stream).toBe(dialled);
  dialled = await dialer.dial(server.address, { ...options(), holder });
  expect(holder.told).toEqual([]);
  await expect.poll(() => holder.frames, soon).toEqual([encodeUtf8("{}")]);
});

test.each([
  ["a message one byte too long", (socket: WebSocket) => socket.send(new Uint8Array(limits.envelopeBytesMax + 1))],
  ["a masked message", (socket: WebSocket) => socket.send("{}", { mask: true } as object)],
  ["a text that is no object", (socket: WebSocket) => socket.send("hello")],
])("a server that sends %s loses its stream, and nothing of it is handed over", async (_, talk) => {
  await using server = await serveStreams(talk);
  await using dialer = dialerFor();
  const holder = new StreamWitness();
  await dialer.dial(server.address, { ...options(), holder });
  await expect.poll(() => holder.told.map(({ kind }) => kind), soon).toEqual(["closed"]);
});

test("hosts without streams are remembered in a bounded number, the oldest forgotten first [STREAM-6]", () => {
  const hosts = new StreamlessHosts(new ManualClock());
  for (let count = 0; count <= limits.streamlessHostsMax; count += 1) hosts.add(`10.0.0.1:${count}`);
  expect([hosts.has("10.0.0.1:0"), hosts.has("10.0.0.1:1")]).toEqual([false, true]);
});

test("a dialer that ends while a call is answered keeps no stream", async () => {
  const lines: unknown[] = [];
  const log: Log = { write: (...line) => void lines.push(line) };
  const listener = createHttpListener({
    listen: { host: "127.0.0.1", port: 0 },
    advertise: [],
    did: "did:key:zDesk",
    publicKey: new Uint8Array(32),
    log,
  });
  await using _end = listener;
  const witness = new StreamWitness();
  await listener.start(async () => ({ kind: "received", replies: [], more: false }), witness);
  for (let turn = 0; turn < 20; turn += 1) {
    const dialer = dialerFor();
    const dialing = dialer.dial(listener.addresses[0] ?? "", options()).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, turn / 4));
    await Promise.all([dialer[Symbol.asyncDispose](), dialing]);
  }
  await expect.poll(() => witness.all("opened").length - witness.all("closed").length, soon).toBe(0);
});
