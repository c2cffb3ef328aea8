/** The far end of the bare round trips, in a process of its own: gives back what it gets, over a WebSocket and over HTTP. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { answerQuestions } from "../process/questions.ts";

const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => response.end(Buffer.concat(chunks)));
};

async function listen(): Promise<{ readonly port: number }> {
  const server = createServer(echo);
  new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
    socket.on("message", (data: Buffer) => socket.send(data));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port };
}

answerQuestions({ listen });
