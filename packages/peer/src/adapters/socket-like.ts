/** What a stream needs of a WebSocket: the standard's own members, and what some sockets offer besides. Browsers, Node and the `ws` package all fit. */
import type { Bytes } from "@hikyaku/protocol";

export interface SocketLike {
  binaryType: string;
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedAmount: number;
  /** 1 while it is open. */
  readonly readyState: number;
  /** `done` is called, where the socket knows of it, when the message has left; the standard ignores it. */
  send(message: string | Bytes, done?: () => void): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: "error", listener: (event: object) => void): void;
  /** Holds up reading. */
  pause?(): void;
  resume?(): void;
  /** Cuts the connection at once. */
  terminate?(): void;
  /** Of the unsent bytes, those that the system has in hand: they shrink piece by piece where `bufferedAmount` shrinks by whole writes. */
  bytesInFlight?(): number;
}
