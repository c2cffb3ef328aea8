/**
 * 15: connections that dawdle, lie about lengths, or say nothing: each is ended in its time, one network cannot take all places, and honest peers get through
 * meanwhile. These guards stand before any message is read, so no counter of messages may rise.
 */
import { setTimeout as pause } from "node:timers/promises";
import { limits } from "@hikyaku/protocol";
import { RawSocket } from "../raw-socket.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const slowAndLying: Attack = { name: "slow headers, length lies, idle sockets", isPatient: true, run };

const patienceMs = 8000;

/** The node's own clocks, and some patience for a busy machine. */
const headersMsMax = limits.listenerHeadersMsMax + patienceMs;
const requestMsMax = limits.listenerRequestMsMax + patienceMs;
const atOnceMs = 2000;
const dripMs = 500;

const head = "POST /message HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n";

interface Case {
  readonly what: string;
  readonly says: string;
  /** What is said bit by bit afterwards. */
  readonly drips?: string;
  readonly status: string;
  readonly msMax: number;
}

const slow: readonly Case[] = [
  { what: "nothing at all", says: "", status: "408", msMax: headersMsMax },
  { what: "headers letter by letter", says: "POST /message HTTP/1.1\r\n", drips: "X", status: "408", msMax: headersMsMax },
  { what: "header after header", says: head, drips: "X-More: 1\r\n", status: "408", msMax: headersMsMax },
  { what: "less body than announced", says: `${head}Content-Length: 1000\r\n\r\n{"a":`, status: "408", msMax: requestMsMax },
  { what: "a body letter by letter", says: `${head}Content-Length: 1000\r\n\r\n`, drips: " ", status: "408", msMax: requestMsMax },
  {
    what: "a chunked body without end",
    says: `${head}Transfer-Encoding: chunked\r\n\r\n`,
    drips: "1\r\n \r\n",
    status: "408",
    msMax: requestMsMax,
  },
];

const lies: readonly Case[] = [
  { what: "a length of ten gigabytes", says: `${head}Content-Length: 10000000000\r\n\r\n`, status: "413", msMax: atOnceMs },
  {
    what: "one byte above the limit",
    says: `${head}Content-Length: ${limits.envelopeBytesMax + 1}\r\n\r\n`,
    status: "413",
    msMax: atOnceMs,
  },
  { what: "a negative length", says: `${head}Content-Length: -1\r\n\r\n`, status: "400", msMax: atOnceMs },
  { what: "a length in words", says: `${head}Content-Length: many\r\n\r\n`, status: "400", msMax: atOnceMs },
  { what: "two lengths", says: `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, status: "400", msMax: atOnceMs },
  {
    what: "a length and chunks",
    says: `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: "400",
    msMax: atOnceMs,
  },
  { what: "headers without end", says: `${head}X-Long: ${"x".repeat(100_000)}`, status: "431", msMax: atOnceMs },
  { what: "no HTTP", says: "\u0016\u0003\u0001\r\n\r\n", status: "400", msMax: atOnceMs },
  { what: "packed content", says: `${head}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`, status: "415", msMax: atOnceMs },
];

async function run(scene: Scene): Promise<Outcome> {
  using held = new DisposableStack();
  const idle = await crowdOut(scene, held);
  const delivered = await scene.talkMeanwhile();
  const endings = await Promise.all([...slow, ...lies].map((one, at) => endOf(scene, one, { from: `127.0.1${10 + at}.1`, held })));
  const left = idle.filter(({ isOpen }) => isOpen).length;
  scene.expect("idle sockets that are still open in the end", left, 0);
  return {
    seen: `${endings.length} dawdlers and liars ended, the last after ${(Math.max(...endings) / 1000).toFixed(1)} s; of ${idle.length} idle sockets ${idleKept} were let in, and ended`,
    rises: { "received.message": 1, "message.stored": 1 },
    delivered: [delivered],
    peersMayDiffer: true,
  };
}

const idleKept = limits.listenerConnectionsPerPrefixMax;

/** More idle sockets from one network than it may hold. */
async function crowdOut({ target, expect }: Scene, held: DisposableStack): Promise<readonly RawSocket[]> {
  const sockets = Array.from({ length: 2 * idleKept }, (_, at) =>
    held.use(new RawSocket({ port: target.port, from: `127.0.1.${(at % 250) + 1}` })),
  );
  await pause(atOnceMs);
  expect("idle sockets of one network that were let in", sockets.filter(({ isOpen }) => isOpen).length, idleKept);
  return sockets;
}

/** After how long it ended. */
async function endOf(
  { target, expect }: Scene,
  one: Case,
  { from, held }: { readonly from: string; readonly held: DisposableStack },
): Promise<number> {
  const socket = held.use(new RawSocket({ port: target.port, from }));
  if (one.says !== "") socket.say(one.says);
  const { drips } = one;
  const drip = setInterval(() => drips !== undefined && socket.say(drips), dripMs);
  const { text, afterMs } = await socket.ending(one.msMax);
  clearInterval(drip);
  expect(`${one.what} is ended`, afterMs === undefined ? `open after ${one.msMax} ms` : "yes", "yes");
  expect(`the status for ${one.what}`, text.slice(0, 12), `HTTP/1.1 ${one.status}`);
  return afterMs ?? one.msMax;
}
