/** What every pair of listener and dialer promises whose links are streams (packages/peer/src/ports/link.ts). For exchanges see link-contract.ts. */
import type { AddressKind, Reception, Refusal, Stream } from "@hikyaku/peer";
import { type Bytes, encodeUtf8, limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { LinkBench } from "./link-contract.ts";
import { StreamWitness } from "./stream-witness.ts";

export interface StreamBench extends LinkBench {
  /** Whether the dialling side can hold up its reading; a listener always can. */
  readonly dialerPauses: boolean;
}

interface Side {
  readonly stream: Stream;
  readonly witness: StreamWitness;
}

interface Connection extends StreamBench, AsyncDisposable {
  readonly address: string;
  readonly near: Side;
  readonly far: Side;
}

const kib = 1024;
const received: Reception = { kind: "received", replies: [], more: false };
const patience = (): AbortSignal => AbortSignal.timeout(20_000);
const soon = { timeout: 10_000, interval: 5 };
const ref = "0f".repeat(32);

const textFrame = (text: string): Bytes => encodeUtf8(`{"payload":{"data":${JSON.stringify(text)},"encrypted":false},"version":"1.0"}`);
/** Begins as an array in CBOR does. */
function binaryFrame(length: number, seed = 0): Bytes {
  const frame = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) frame[index] = index + seed;
  frame[0] = 0x8a;
  return frame;
}
const largeFrames: readonly Bytes[] = Array.from({ length: 400 }, (_, index) => new Uint8Array(128 * kib).fill(index));
/** Texts are compared at once, long arrays byte by byte. */
const textsOf = (frames: readonly Bytes[]): readonly string[] => frames.map((frame) => Buffer.from(frame).toString("latin1"));
const longestText = (): Bytes => {
  const frame = new Uint8Array(limits.envelopeBytesMax).fill(0x61);
  frame.set(encodeUtf8('{"'));
  frame.set(encodeUtf8('":1}'), frame.length - 4);
  return frame;
};

async function connect(bench: StreamBench): Promise<Connection> {
  const [nearWitness, farWitness] = [new StreamWitness(), new StreamWitness()];
  await bench.listener.start(async () => received, farWitness);
  const [address = ""] = bench.listener.addresses;
  const stream = await bench.dialer.dial(address, { isAllowed: () => true, signal: patience(), holder: nearWitness });
  if (stream.kind !== "stream") throw new TypeError("this adapter was to give a stream");
  await expect.poll(() => farWitness.all("opened").length, soon).toBe(1);
  const [opened] = farWitness.all("opened");
  if (opened === undefined) throw new TypeError("nobody came");
  const end = async (): Promise<void> => {
    await Promise.all([bench.dialer[Symbol.asyncDispose](), bench.listener[Symbol.asyncDispose]()]);
  };
  const near = { stream, witness: nearWitness };
  return { ...bench, address, near, far: { stream: opened.stream, witness: farWitness }, [Symbol.asyncDispose]: end };
}

/** Both directions: who writes, and who hears it. */
const ways = ["from the dialer", "from the listener"] as const;
const endsOf = ({ near, far }: Connection, way: (typeof ways)[number]): readonly [Side, Side] =>
  way === "from the dialer" ? [near, far] : [far, near];

async function sendAll({ stream }: Side, frames: readonly Bytes[]): Promise<void> {
  for (const frame of frames) await stream.send(frame, patience());
}

export function streamContract(adapter: string, arrange: () => StreamBench): void {
  describe(`stream: ${adapter}`, () => {
    test("a call becomes a stream on both sides, and only the called one is told", async () => {
      await using connection = await connect(arrange());
      const { near, far, dialerHost, address } = connection;
      expect(far.stream).toMatchObject({
        kind: "stream",
        isOurs: false,
        origin: { host: dialerHost },
        route: `its call from ${dialerHost}`,
      });
      expect(near.stream).toMatchObject({ kind: "stream", isOurs: true, route: address.replace("http:", "ws:") });
      expect(near.stream.origin.host).toBe(new URL(address).hostname);
      expect(near.witness.told).toEqual([]);
    });

    test.each(ways)("frames arrive in order, byte for byte, as text and as binary: %s [STREAM-2]", async (way) => {
      await using connection = await connect(arrange());
      const [writer, reader] = endsOf(connection, way);
      const frames = [
        textFrame('飛脚 }]\\" {[ 🕊 \u0000 \ufeff'),
        binaryFrame(1000),
        Uint8Array.of(0),
        textFrame(""),
        binaryFrame(70_000, 7),
        ...Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? textFrame(`${index}`) : binaryFrame(index + 1, index))),
      ];
      await sendAll(writer, frames);
      await expect.poll(() => reader.witness.frames.length, soon).toBe(frames.length);
      expect(textsOf(reader.witness.frames)).toEqual(textsOf(frames));
    });

    test("both directions carry at the same time", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      const frames = Array.from({ length: 200 }, (_, index) => binaryFrame(2000, index));
      await Promise.all([sendAll(near, frames), sendAll(far, frames)]);
      await expect.poll(() => near.witness.frames.length + far.witness.frames.length, soon).toBe(400);
      expect(textsOf(near.witness.frames)).toEqual(textsOf(frames));
      expect(textsOf(far.witness.frames)).toEqual(textsOf(frames));
    });

    test.each(ways)("frames of the greatest length arrive; one byte more is not sent, and the stream goes on: %s", async (way) => {
      await using connection = await connect(arrange());
      const [writer, reader] = endsOf(connection, way);
      const frames = [binaryFrame(limits.envelopeBytesMax), longestText()];
      await sendAll(writer, frames);
      const tooLong = writer.stream.send(binaryFrame(limits.envelopeBytesMax + 1), patience());
      await expect(tooLong).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
      await sendAll(writer, [binaryFrame(1)]);
      await expect.poll(() => reader.witness.frames.length, soon).toBe(3);
      expect(textsOf(reader.witness.frames.slice(0, 2))).toEqual(textsOf(frames));
    });

    const refusals: readonly Refusal[] = [
      { code: "REJECTED" },
      { code: "HANDSHAKE_FAILED" },
      { code: "RATE_LIMITED", retryAfterS: 7 },
      { code: "OVERLOADED", retryAfterS: 0 },
      { code: "INVALID_VERSION", versions: ["1.2", "1.1"] },
      { code: "INTERNAL_ERROR", correlationId: "0c5f" },
    ];
    test.each(ways)("a refusal arrives with what stands beside it, and with the frame's nonce or without: %s [ERR-1]", async (way) => {
      await using connection = await connect(arrange());
      const [writer, reader] = endsOf(connection, way);
      for (const refusal of refusals) {
        writer.stream.refuse(refusal, ref);
        writer.stream.refuse(refusal, undefined);
      }
      await expect.poll(() => reader.witness.all("refused").length, soon).toBe(refusals.length * 2);
      const told = reader.witness.all("refused").map(({ refusal, ref: named }) => ({ refusal, named }));
      expect(told).toEqual(
        refusals.flatMap((refusal) => [
          { refusal, named: ref },
          { refusal, named: undefined },
        ]),
      );
    });

    test("what strangers may not learn is REJECTED to them, whatever stands beside it [ERR-4]", async () => {
      await using connection = await connect(arrange());
      connection.far.stream.refuse({ code: "KEY_CHANGED", retryAfterS: 3, correlationId: "x" }, undefined);
      connection.far.stream.refuse({ code: "SESSION_EXPIRED", versions: ["1.0"] }, ref);
      await expect.poll(() => connection.near.witness.told.length, soon).toBe(2);
      expect(connection.near.witness.all("refused").map(({ refusal }) => refusal)).toEqual([{ code: "REJECTED" }, { code: "REJECTED" }]);
    });

    test.each(ways)("a reader that takes nothing in holds its writer up, and loses nothing once it does: %s [STREAM-3]", async (way) => {
      const bench = arrange();
      await using connection = await connect(bench);
      if (way === "from the listener" && !bench.dialerPauses) return;
      const [writer, reader] = endsOf(connection, way);
      const open = Promise.withResolvers<void>();
      reader.witness.work = () => open.promise;
      let taken = 0;
      const sending = (async () => {
        for (const frame of largeFrames) {
          await writer.stream.send(frame, patience());
          taken += 1;
        }
      })();
      await expect.poll(() => reader.witness.frames.length, soon).toBe(limits.streamFramesInWorkMax);
      await hasSettled(() => taken);
      // 32 in work, 1 MiB unsent, the rest in the system's own buffers, which are smaller than this.
      expect(taken).toBeLessThan(300);
      expect(reader.witness.frames).toHaveLength(limits.streamFramesInWorkMax);
      open.resolve();
      await sending;
      await expect.poll(() => reader.witness.frames.length, soon).toBe(largeFrames.length);
      expect(reader.witness.frames.every((frame, index) => frame[1] === largeFrames[index]?.[1])).toBe(true);
    });

    test("many writers at once are held up like one, in the order of their calls", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      const open = Promise.withResolvers<void>();
      far.witness.work = () => open.promise;
      let taken = 0;
      const sendings = largeFrames.map(async (frame) => {
        await near.stream.send(frame, patience());
        taken += 1;
      });
      await hasSettled(() => taken);
      expect(taken).toBeLessThan(300);
      open.resolve();
      await Promise.all(sendings);
      await expect.poll(() => far.witness.frames.length, soon).toBe(largeFrames.length);
      expect(far.witness.frames.every((frame, index) => frame[1] === largeFrames[index]?.[1])).toBe(true);
    });

    test("a refusal to a reader that takes nothing in is dropped once the stream is congested", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      const open = Promise.withResolvers<void>();
      far.witness.work = () => open.promise;
      const stop = new AbortController();
      const sending = largeFrames.map((frame) => near.stream.send(frame, stop.signal));
      const outcomes = Promise.allSettled(sending);
      await expect.poll(() => far.witness.frames.length, soon).toBe(limits.streamFramesInWorkMax);
      await expect(Promise.race([sending.at(-1), new Promise((resolve) => setTimeout(resolve, 200, "waiting"))])).resolves.toBe("waiting");
      near.stream.refuse({ code: "REJECTED" }, ref);
      stop.abort();
      open.resolve();
      await outcomes;
      await sendAll(near, [textFrame("last")]);
      await expect.poll(() => far.witness.frames.at(-1), soon).toEqual(textFrame("last"));
      expect(far.witness.all("refused")).toEqual([]);
    });

    test("a writer that aborts gets CANCELED, before and while it waits, and the others go on", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      await expect(near.stream.send(binaryFrame(8), AbortSignal.abort())).rejects.toMatchObject({ code: "CANCELED" });
      const open = Promise.withResolvers<void>();
      far.witness.work = () => open.promise;
      const stop = new AbortController();
      const outcomes = Promise.allSettled(largeFrames.map((frame) => near.stream.send(frame, stop.signal)));
      await expect.poll(() => far.witness.frames.length, soon).toBe(limits.streamFramesInWorkMax);
      const later = near.stream.send(textFrame("later"), patience());
      stop.abort();
      expect((await outcomes).at(-1)).toMatchObject({ status: "rejected", reason: { code: "CANCELED" } });
      open.resolve();
      await later;
      await expect.poll(() => far.witness.frames.at(-1), soon).toEqual(textFrame("later"));
      expect(far.witness.frames.length).toBeLessThan(300);
      expect([...near.witness.told, ...far.witness.all("closed")]).toEqual([]);
    });

    test.each(ways)(
      "what was sent before a stream closes arrives; each side hears of the end once, and nothing after it: %s",
      async (way) => {
        await using connection = await connect(arrange());
        const [closer, other] = endsOf(connection, way);
        other.witness.work = () => new Promise((resolve) => setTimeout(resolve, 1));
        const frames = Array.from({ length: 100 }, (_, index) => textFrame(`${index}`));
        await sendAll(closer, frames);
        closer.stream.close("enough for today");
        closer.stream.close("twice");
        await expect.poll(() => closer.witness.all("closed").length + other.witness.all("closed").length, soon).toBe(2);
        expect(other.witness.frames).toEqual(frames);
        expect(closer.witness.told.at(-1)).toMatchObject({ kind: "closed", reason: "enough for today" });
        expect(other.witness.told.at(-1)).toMatchObject({ kind: "closed" });
        other.stream.close("already");
        other.stream.refuse({ code: "REJECTED" }, undefined);
        for (const { stream } of [closer, other])
          await expect(stream.send(binaryFrame(8), patience())).rejects.toMatchObject({ code: "UNREACHABLE" });
        await hasSettled(() => closer.witness.told.length + other.witness.told.length);
        expect(closer.witness.all("closed").length + other.witness.all("closed").length).toBe(2);
      },
    );

    test("both sides may close at once", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      near.stream.close("near");
      far.stream.close("far");
      await expect.poll(() => near.witness.all("closed").length + far.witness.all("closed").length, soon).toBe(2);
    });

    test("a stream that closes lets go of those who wait to write", async () => {
      await using connection = await connect(arrange());
      const { near, far } = connection;
      far.witness.work = () => new Promise(() => undefined);
      const outcomes = Promise.allSettled(largeFrames.map((frame) => near.stream.send(frame, patience())));
      await expect.poll(() => far.witness.frames.length, soon).toBe(limits.streamFramesInWorkMax);
      near.stream.close("enough");
      expect((await outcomes).at(-1)).toMatchObject({ status: "rejected", reason: { code: "UNREACHABLE" } });
      await expect.poll(() => near.witness.all("closed").length, soon).toBe(1);
      expect(far.witness.frames).toHaveLength(limits.streamFramesInWorkMax);
    });

    test("a listener that ends takes its streams with it", async () => {
      await using connection = await connect(arrange());
      await connection.listener[Symbol.asyncDispose]();
      expect(connection.far.witness.all("closed")).toHaveLength(1);
      await expect.poll(() => connection.near.witness.all("closed").length, soon).toBe(1);
    });

    test("a dialer that ends takes its streams with it", async () => {
      await using connection = await connect(arrange());
      await connection.dialer[Symbol.asyncDispose]();
      expect(connection.near.witness.all("closed")).toHaveLength(1);
      await expect.poll(() => connection.far.witness.all("closed").length, soon).toBe(1);
      const dialing = connection.dialer.dial(connection.address, {
        isAllowed: () => true,
        signal: patience(),
        holder: connection.near.witness,
      });
      await expect(dialing).rejects.toMatchObject({ code: "CANCELED" });
    });

    test("a caller that has aborted before, a host that nobody permits and what is no address give no stream [HTTP-5]", async () => {
      await using connection = await connect(arrange());
      const { dialer, address, kind, near, far } = connection;
      const options = { isAllowed: () => true, signal: patience(), holder: near.witness };
      await expect(dialer.dial(address, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELED" });
      const asked: unknown[] = [];
      const isAllowed = (...place: readonly [string, AddressKind]): boolean => asked.push(place) === 0;
      const dialing = dialer.dial(address, { ...options, isAllowed });
      await expect(dialing).rejects.toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining(address) });
      expect(asked).toEqual([[near.stream.origin.host, kind]]);
      await expect(dialer.dial("https://desk:1", options)).rejects.toMatchObject({ code: "UNREACHABLE" });
      expect(far.witness.all("opened")).toHaveLength(1);
    });
  });
}

/** Until a number has not changed for a while. */
async function hasSettled(look: () => number): Promise<void> {
  for (let before = -1, now = look(); before !== now; now = look()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
