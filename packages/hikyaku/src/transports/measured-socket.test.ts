import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { measuredSocket } from "./measured-socket.ts";

const mib = 1024 * 1024;
const soon = { timeout: 5000, interval: 10 };

test("while one long write is under way, bytes in flight shrink with every piece that is read, and the unsent amount does not", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  client.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const [webSocket, { socket }] = (await once(server, "connection")) as [WebSocket, { socket: ReturnType<typeof connect> }];
  await once(client, "data");
  client.pause();
  const measured = measuredSocket(webSocket, socket);
  expect(measured.bytesInFlight?.()).toBe(0);
  measured.send(new Uint8Array(64 * mib));
  const unsent = measured.bufferedAmount;
  const inFlight = measured.bytesInFlight?.() ?? 0;
  expect(unsent).toBeGreaterThan(64 * mib);
  expect(inFlight).toBeGreaterThan(32 * mib);
  let read = 0;
  client.on("data", (chunk: Buffer) => {
    read += chunk.length;
    if (read > 16 * mib) client.pause();
  });
  client.resume();
  await expect.poll(() => measured.bytesInFlight?.(), soon).toBeLessThan(inFlight - 4 * mib);
  expect(measured.bufferedAmount).toBe(unsent);
  client.destroy();
  webSocket.terminate();
  server.close();
});
