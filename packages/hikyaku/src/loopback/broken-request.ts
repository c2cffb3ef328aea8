/** What is no HTTP request, or comes too slowly to be one, gets a status and nothing else; the socket is ended from this side as well. */
import type { Socket } from "node:net";

const statuses: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

export function endBrokenRequest({ code }: { readonly code: string }, socket: Socket): void {
  if (socket.writable) socket.write(`HTTP/1.1 ${statuses[code] ?? "400 Bad Request"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}
