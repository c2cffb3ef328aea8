import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type LogLevel, silentLog, type WakeCall } from "@hikyaku/peer";
import { failureOf } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { wakeHook } from "./wake-hook.ts";

const from = { did: "did:key:lap", name: "lap", trust: "trusted" } as const;
const call: WakeCall = { from, reason: "news\r\nHost: x", signal: new AbortController().signal };

async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/wake?secret=canary`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

test("the call is posted as JSON, and any 2xx is good [WAKE-4]", async () => {
  const heard = Promise.withResolvers<unknown>();
  await using server = await serve((request, response) => {
    const { method, url, headers } = request;
    heard.resolve(textOf(request).then((text) => [method, url, headers["content-type"], JSON.parse(text)]));
    response.writeHead(204).end();
  });
  await wakeHook({ url: server.url, log: silentLog })(call);
  expect(await heard.promise).toEqual(["POST", "/wake?secret=canary", "application/json", { from, reason: "news\r\nHost: x" }]);
});

test.each<[string, RequestListener, string]>([
  ["a refusal", (_, response) => response.writeHead(500).end("x".repeat(1e6)), "answered with status 500"],
  [
    "a redirect, which is not followed",
    (request, response) => response.writeHead(request.url === "/other" ? 200 : 307, { location: "/other" }).end(),
    "answered with status 307",
  ],
  ["no answer", () => undefined, "gave no answer in time"],
  ["an end of the connection", (request) => request.socket.destroy(), "could not be reached (UND_ERR_SOCKET)"],
])("%s is a failure that the owner's log tells, without the address [WAKE-4] [KEY-6]", async (_, answer, problem) => {
  await using server = await serve(answer);
  const lines: unknown[] = [];
  const log = { write: (level: LogLevel, event: string, fields: unknown) => lines.push([level, event, fields]) };
  const failure = await failureOf(wakeHook({ url: server.url, log, timeoutMs: 300 })(call));
  expect(failure).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(lines).toEqual([["error", "wake.hook", { problem }]]);
  expect(JSON.stringify([String(failure), lines])).not.toContain("canary");
});

test("a call ends with its peer", async () => {
  await using server = await serve(() => undefined);
  const closing = new AbortController();
  const failed = failureOf(wakeHook({ url: server.url, log: silentLog })({ ...call, signal: closing.signal }));
  closing.abort();
  expect(await failed).toMatchObject({ code: "INTERNAL_ERROR" });
});
