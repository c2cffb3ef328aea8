/** Two ends of a WebSocket without a network: what one end writes counts as unsent until the other end reads it, so that back-pressure is felt as on a real one. */
import type { Bytes } from "@hikyaku/protocol";
import type { SocketLike } from "./socket-like.ts";

type Parcel =
  | { readonly kind: "message"; readonly data: string | ArrayBuffer; readonly size: number; readonly done: (() => void) | undefined }
  | { readonly kind: "farewell"; readonly code: number; readonly reason: string };

const states = { open: 1, closing: 2, closed: 3 } as const;
const cutCode = 1006;
const plainCode = 1000;

interface Listeners {
  readonly message: ((event: { readonly data: unknown }) => void)[];
  readonly close: ((event: { readonly code: number; readonly reason: string }) => void)[];
  readonly error: ((event: object) => void)[];
}

export class MemorySocket implements SocketLike {
  binaryType = "arraybuffer";
  readyState: number = states.open;
  bufferedAmount = 0;
  readonly #listeners: Listeners = { message: [], close: [], error: [] };
  readonly #parcels: Parcel[] = [];
  #far: MemorySocket = this;
  #isPaused = false;
  #isCarrying = false;

  static pair(): readonly [MemorySocket, MemorySocket] {
    const near = new MemorySocket();
    const far = new MemorySocket();
    near.#far = far;
    far.#far = near;
    return [near, far];
  }

  addEventListener<Type extends keyof Listeners>(type: Type, listener: Listeners[Type][number]): void {
    (this.#listeners[type] as Listeners[Type][number][]).push(listener);
  }

  send(message: string | Bytes, done?: () => void): void {
    if (this.readyState !== states.open) return;
    // A copy, as a wire would make one: neither side may reach into the other's bytes.
    const data = typeof message === "string" ? message : message.slice().buffer;
    this.bufferedAmount += message.length;
    this.#post({ kind: "message", data, size: message.length, done });
  }

  close(code: number = plainCode, reason = ""): void {
    if (this.readyState !== states.open) return;
    this.readyState = states.closing;
    this.#post({ kind: "farewell", code, reason });
  }

  terminate(): void {
    const far = this.#far;
    queueMicrotask(() => this.#end(cutCode, ""));
    queueMicrotask(() => far.#end(cutCode, ""));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const far = this.#far;
    void far.#carry();
  }

  #post(parcel: Parcel): void {
    this.#parcels.push(parcel);
    void this.#carry();
  }

  /** One parcel at a time, each in a turn of its own. */
  async #carry(): Promise<void> {
    if (this.#isCarrying) return;
    this.#isCarrying = true;
    const far = this.#far;
    while (this.#parcels.length > 0) {
      await Promise.resolve();
      const parcel = far.#isPaused ? undefined : this.#parcels.shift();
      if (parcel === undefined) break;
      this.#deliver(parcel);
    }
    this.#isCarrying = false;
  }

  #deliver(parcel: Parcel): void {
    const far = this.#far;
    if (parcel.kind === "farewell") {
      far.#end(parcel.code, parcel.reason);
      this.#end(parcel.code, parcel.reason);
      return;
    }
    this.bufferedAmount -= parcel.size;
    for (const hear of far.#listeners.message) hear({ data: parcel.data });
    parcel.done?.();
  }

  #end(code: number, reason: string): void {
    if (this.readyState === states.closed) return;
    this.readyState = states.closed;
    this.#parcels.length = 0;
    for (const hear of this.#listeners.close) hear({ code, reason });
  }
}
