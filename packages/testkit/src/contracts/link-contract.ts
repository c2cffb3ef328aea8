/** What every pair of listener and dialer promises whose links are exchanges (packages/peer/src/ports/link.ts). For streams see stream-contract.ts. */
import type { AddressKind, Dialer, Exchange, Link, Listener, Receiver, Reception } from "@hikyaku/peer";
import { type Bytes, encodeUtf8 } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import { deafHolder } from "./deaf-holder.ts";

export interface LinkBench {
  /** Not yet started. */
  readonly listener: Listener;
  readonly dialer: Dialer;
  /** The host that the listener sees frames come from. */
  readonly dialerHost: string;
  /** Where the listener's addresses lie. */
  readonly kind: AddressKind;
}

interface Connection extends LinkBench, AsyncDisposable {
  readonly address: string;
  readonly link: Exchange;
}

const received: Reception = { kind: "received", replies: [], more: false };
const accept: Receiver = async () => received;
const patience = (): AbortSignal => AbortSignal.timeout(10_000);
const anywhere = () => ({ isAllowed: () => true, signal: patience(), holder: deafHolder });

/** Links carry canonical JSON objects; these have the shape of envelopes and not the meaning. */
const frameOf = (text: string): Bytes => encodeUtf8(`{"payload":{"data":${JSON.stringify(text)},"encrypted":false},"version":"1.0"}`);

function exchangeOf(link: Link): Exchange {
  if (link.kind !== "exchange") throw new TypeError("this adapter was to give an exchange");
  return link;
}

export function linkContract(adapter: string, arrange: () => LinkBench): void {
  const connect = async (receiver: Receiver): Promise<Connection> => {
    const bench = arrange();
    await bench.listener.start(receiver, deafHolder);
    const [address = ""] = bench.listener.addresses;
    const end = async (): Promise<void> => {
      await bench.dialer[Symbol.asyncDispose]();
      await bench.listener[Symbol.asyncDispose]();
    };
    return { ...bench, address, link: exchangeOf(await bench.dialer.dial(address, anywhere())), [Symbol.asyncDispose]: end };
  };

  describe(`link: ${adapter}`, () => {
    test("a frame arrives byte for byte, with the host it came from", async () => {
      const arrived: unknown[] = [];
      await using connection = await connect(async (...call) => {
        arrived.push(call);
        return received;
      });
      const frame = frameOf('飛脚 }]\\" {[');
      expect(await connection.link.deliver(frame, patience())).toEqual(received);
      expect(arrived).toMatchObject([[frame, { host: connection.dialerHost }]]);
      expect(connection.link.route).toBe(connection.address);
    });

    test.each([
      ["nothing", []],
      ["one frame", [frameOf('}],"more":true,"replies":[{')]],
      ["many frames", Array.from({ length: 64 }, (_, index) => frameOf(`${index} “\\”`))],
    ])("what waits for the caller comes back byte for byte, in order: %s", async (_, replies) => {
      const reception: Reception = { kind: "received", replies, more: replies.length > 1 };
      await using connection = await connect(async () => reception);
      expect(await connection.link.deliver(frameOf("?"), patience())).toEqual(reception);
    });

    test.each<Reception>([
      { kind: "refused", code: "REJECTED" },
      { kind: "refused", code: "HANDSHAKE_FAILED" },
      { kind: "refused", code: "RATE_LIMITED", retryAfterS: 7 },
      { kind: "refused", code: "OVERLOADED", retryAfterS: 0 },
      { kind: "refused", code: "INVALID_VERSION", versions: ["1.2", "1.1"] },
      { kind: "refused", code: "INTERNAL_ERROR", correlationId: "0c5f" },
    ])("the refusal $code comes back with what stands beside it", async (refusal) => {
      await using connection = await connect(async () => refusal);
      expect(await connection.link.deliver(frameOf("?"), patience())).toEqual(refusal);
    });

    test("frames on the way at once each get their own answer", async () => {
      await using connection = await connect(async (frame) => ({ kind: "received", replies: [frame], more: false }));
      const frames = Array.from({ length: 20 }, (_, index) => frameOf(`${index}`));
      const receptions = await Promise.all(frames.map((frame) => connection.link.deliver(frame, patience())));
      expect(receptions).toEqual(frames.map((frame) => ({ kind: "received", replies: [frame], more: false })));
    });

    test("a caller that aborts gets CANCELED, though the receiver is still at work", async () => {
      const work = Promise.withResolvers<Reception>();
      const caller = new AbortController();
      await using connection = await connect(() => {
        caller.abort();
        return work.promise;
      });
      await expect(connection.link.deliver(frameOf("?"), caller.signal)).rejects.toMatchObject({ code: "CANCELED" });
      work.resolve(received);
    });

    test("a caller that has aborted before sends nothing", async () => {
      let frames = 0;
      await using connection = await connect(async () => {
        frames += 1;
        return received;
      });
      await expect(connection.link.deliver(frameOf("?"), AbortSignal.abort())).rejects.toMatchObject({ code: "CANCELED" });
      const dialing = connection.dialer.dial(connection.address, { ...anywhere(), signal: AbortSignal.abort() });
      await expect(dialing).rejects.toMatchObject({ code: "CANCELED" });
      expect(frames).toBe(0);
    });

    test("a host that nobody permits is UNREACHABLE, and the caller is asked about the very host that a link leads to [HTTP-5]", async () => {
      await using connection = await connect(accept);
      const asked: unknown[] = [];
      const isAllowed = (...place: readonly [string, AddressKind]): boolean => asked.push(place) === 0;
      const dialing = connection.dialer.dial(connection.address, { ...anywhere(), isAllowed });
      await expect(dialing).rejects.toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining(connection.address) });
      expect(asked).toEqual([[connection.link.origin.host, connection.kind]]);
    });

    test("what is no peer address is UNREACHABLE", async () => {
      await using connection = await connect(accept);
      for (const address of ["", "desk", "https://desk:1", `${connection.address}/message`, "http://user@desk:1", "http://desk:0"])
        await expect(connection.dialer.dial(address, anywhere())).rejects.toMatchObject({ code: "UNREACHABLE" });
    });

    test("a closed listener is UNREACHABLE by name, and takes no more frames", async () => {
      let frames = 0;
      await using connection = await connect(async () => {
        frames += 1;
        return received;
      });
      await connection.link.deliver(frameOf("1"), patience());
      await connection.listener[Symbol.asyncDispose]();
      const delivering = connection.link.deliver(frameOf("2"), patience());
      await expect(delivering).rejects.toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining(connection.address) });
      expect(frames).toBe(1);
    });

    test("a dialer that ends takes its links with it", async () => {
      const work = Promise.withResolvers<Reception>();
      const arrived = Promise.withResolvers<void>();
      await using connection = await connect(() => {
        arrived.resolve();
        return work.promise;
      });
      const end = arrived.promise.then(() => connection.dialer[Symbol.asyncDispose]());
      await expect(connection.link.deliver(frameOf("?"), patience())).rejects.toMatchObject({ code: "CANCELED" });
      await end;
      await expect(connection.link.deliver(frameOf("?"), patience())).rejects.toMatchObject({ code: "CANCELED" });
      await expect(connection.dialer.dial(connection.address, anywhere())).rejects.toMatchObject({ code: "CANCELED" });
      work.resolve(received);
    });

    test("a listener that never started ends without a word", async () => {
      const { listener, dialer } = arrange();
      expect(listener.addresses).toEqual([]);
      await listener[Symbol.asyncDispose]();
      await dialer[Symbol.asyncDispose]();
    });
  });
}
