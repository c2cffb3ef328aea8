/**
 * Every stream that is up, and which peer is at its other end (spec STREAM-7). Who dialled us is a stranger until a frame of his proves who he is; whom we dialled is
 * the one we wanted only once he has proven it, but our own handshake with him travels there before.
 */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { Stream } from "../ports/link.ts";

export interface LiveStream {
  readonly stream: Stream;
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  /** Who is there, or who should be. */
  peerId: string | undefined;
  isProven: boolean;
  /** Frames that proved nobody, since the last that did. */
  junk: number;
  /** Aborts when the stream is down. */
  readonly gone: AbortController;
}

export class StreamTable {
  readonly #live = new Map<Stream, LiveStream>();
  readonly #byPeer = new Map<string, Set<LiveStream>>();

  get size(): number {
    return this.#live.size;
  }

  /** A stream that came up; `expected` is whom we dialled. Above the bound the oldest is closed: whoever needs it dials again. */
  add(stream: Stream, openedAt: number, expected?: string): LiveStream {
    const oldest = this.#live.keys().next();
    if (this.#live.size >= limits.streamsMax && oldest.done !== true) oldest.value.close("too many streams");
    const live: LiveStream = { stream, openedAt, peerId: expected, isProven: false, junk: 0, gone: new AbortController() };
    this.#live.set(stream, live);
    if (expected !== undefined) this.#file(expected, live);
    return live;
  }

  get(stream: Stream): LiveStream | undefined {
    return this.#live.get(stream);
  }

  /** The peer at the other end has proven who it is. Above the bound of streams with one peer the oldest other one is closed. */
  prove(stream: Stream, peerId: string): void {
    const live = this.#live.get(stream);
    if (live === undefined) return;
    live.junk = 0;
    if (live.isProven && live.peerId === peerId) return;
    if (live.peerId !== undefined && live.peerId !== peerId) this.#unfile(live.peerId, live);
    live.peerId = peerId;
    live.isProven = true;
    this.#file(peerId, live);
    const streams = this.#byPeer.get(peerId) ?? new Set();
    if (streams.size <= limits.linksPerPeerMax) return;
    for (const oldest of streams) {
      if (oldest === live) continue;
      oldest.stream.close("too many streams");
      return;
    }
  }

  /** A session was made on this stream: the peer is there for certain, while an older one may lead to where it was before a crash. */
  prefer(stream: Stream, peerId: string): void {
    this.prove(stream, peerId);
    const live = this.#live.get(stream);
    if (live !== undefined) this.#byPeer.set(peerId, new Set([live, ...(this.#byPeer.get(peerId) ?? [])]));
  }

  /** STREAM-8: too much of what comes on a stream is nobody's: it ends, whoever is there. */
  countJunk(stream: Stream): void {
    const live = this.#live.get(stream);
    if (live === undefined) return;
    live.junk += 1;
    if (live.junk > limits.streamJunkMax) stream.close("too many frames that proved nobody");
  }

  /** The stream to send on: the one that a session was made on last, or that was proven first; one at a time, so that what is sent stays in order. */
  of(peerId: string): Stream | undefined {
    for (const live of this.#byPeer.get(peerId) ?? []) if (live.isProven) return live.stream;
    return undefined;
  }

  drop(stream: Stream, reason: string): LiveStream | undefined {
    const live = this.#live.get(stream);
    if (live === undefined) return undefined;
    this.#live.delete(stream);
    if (live.peerId !== undefined) this.#unfile(live.peerId, live);
    live.gone.abort(new HikyakuError("UNREACHABLE", `The connection ended: ${reason}.`));
    return live;
  }

  /** Closes what nobody has proven to be whose in time. */
  sweep(now: number): void {
    for (const { stream, openedAt, isProven } of this.#live.values())
      if (!isProven && now - openedAt >= limits.streamUnprovenMsMax) stream.close("nobody proved who they are");
  }

  closePeer(peerId: string, reason: string): void {
    for (const { stream } of this.#byPeer.get(peerId) ?? []) stream.close(reason);
  }

  closeAll(reason: string): void {
    for (const { stream } of this.#live.values()) stream.close(reason);
  }

  #file(peerId: string, live: LiveStream): void {
    const streams = this.#byPeer.get(peerId) ?? new Set();
    streams.add(live);
    this.#byPeer.set(peerId, streams);
  }

  #unfile(peerId: string, live: LiveStream): void {
    const streams = this.#byPeer.get(peerId);
    streams?.delete(live);
    if (streams?.size === 0) this.#byPeer.delete(peerId);
  }
}
