/** A door on loopback that says the token for whoever cannot; Host, Origin and all else go through as they came. For tests only: it lets everybody on this machine in. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { McpAddress } from "@hikyaku/testkit";

export interface TokenDoor extends AsyncDisposable {
  readonly url: string;
}

export async function openTokenDoor({ url, token }: McpAddress): Promise<TokenDoor> {
  const { hostname, port, pathname } = new URL(url);
  const door = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const passed = request({ hostname, port, method: incoming.method, path: incoming.url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders();
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => void door.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    door.closeAllConnections();
    await new Promise((resolve) => void door.close(resolve));
  };
  return { url: `http://127.0.0.1:${(door.address() as AddressInfo).port}${pathname}`, [Symbol.asyncDispose]: close };
}
