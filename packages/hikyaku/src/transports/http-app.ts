/**
 * The peer listener's three doors (spec §9): `POST /message`, `GET /health`, `GET /public-key`. Everything else is not there: `/peers` and `/stats`
 * live on the control listener, and no token opens anything here. Whatever Fastify would say on its own is replaced by constant text (spec §8).
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Log, Receiver, Reception } from "@hikyaku/peer";
import { type Bytes, type ErrorCode, encodeHex, limits } from "@hikyaku/protocol";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { reportFailure } from "./guarded-receiver.ts";
import { encodeAnswer } from "./http-answer.ts";
import { createHttpServer, type ServerBounds } from "./http-server.ts";
import { ipPrefix, plainIp } from "./ip-text.ts";
import { isStreamCall } from "./stream-door.ts";

export interface HttpAppNeeds {
  /** Our own name and key, public to everybody. */
  readonly did: string;
  readonly publicKey: Bytes;
  readonly receiver: Receiver;
  readonly bounds: ServerBounds;
  readonly log: Log;
}

const mediaType = "application/json";

export function createHttpApp({ did, publicKey, receiver, bounds, log }: HttpAppNeeds): FastifyInstance<Server> {
  const app: FastifyInstance<Server> = fastify({
    serverFactory: (handler) => createHttpServer({ handler, isUpgrade: isStreamCall, log }, bounds),
    clientErrorHandler: endBrokenRequest,
    frameworkErrors: (_error, _request, reply) => void sendNothing(reply),
    bodyLimit: limits.envelopeBytesMax,
    exposeHeadRoutes: false,
    return503OnClosing: false,
  });
  const send = (reply: FastifyReply, reception: Reception): FastifyReply => sendAnswer(reply, reception, did);
  // The frame's bytes are what was signed: no parser may touch them before the core's own decoder.
  app.addContentTypeParser<Buffer>(
    mediaType,
    { parseAs: "buffer" },
    async (_request: FastifyRequest, body: Buffer) => new Uint8Array(body),
  );
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404) return sendNothing(reply);
    return request.method === "POST" && !isPlainJson(request) ? send(closing(reply), refusal("UNSUPPORTED_MEDIA")) : undefined;
  });
  app.setNotFoundHandler((_request, reply) => sendNothing(reply));
  app.setErrorHandler<FastifyError>((error, _request, reply) => send(closing(reply), refusalOf(error, log)));

  app.post<{ Body: Bytes | undefined }>("/message", async ({ body, socket }, reply) => {
    if (body === undefined || body.length === 0) return send(reply, refusal("MALFORMED_MESSAGE"));
    const host = plainIp(socket.remoteAddress ?? "");
    return send(reply, await receiver(body, { host, prefix: ipPrefix(host) }));
  });
  app.get("/health", async () => ({ status: "ok" }));
  app.get("/public-key", async () => ({ entity_id: did, public_key: encodeHex(publicKey) }));
  return app;
}

/** §7: exactly this media type, and nothing that would have to be unpacked first. */
function isPlainJson({ headers }: FastifyRequest): boolean {
  return headers["content-type"] === mediaType && headers["content-encoding"] === undefined;
}

const refusal = (code: ErrorCode): Reception => ({ kind: "refused", code });

/** Fastify's own refusals carry a 4xx status; anything else is a mistake of ours. */
function refusalOf(error: FastifyError, log: Log): Reception {
  const { statusCode = 500 } = error;
  if (statusCode === 413) return refusal("MESSAGE_TOO_LARGE");
  return statusCode >= 400 && statusCode < 500 ? refusal("MALFORMED_MESSAGE") : reportFailure(error, log);
}

function sendAnswer(reply: FastifyReply, reception: Reception, did: string): FastifyReply {
  const { status, body, retryAfterS } = encodeAnswer(reception, did);
  if (retryAfterS !== undefined) reply.header("retry-after", retryAfterS);
  return reply.code(status).type(mediaType).send(body);
}

/** The body has not been read: without the connection's end, Node would read on to the end of it. */
const closing = (reply: FastifyReply): FastifyReply => reply.header("connection", "close");

const sendNothing = (reply: FastifyReply): FastifyReply => closing(reply).code(404).send();

const brokenRequestStatuses: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** What is no HTTP request, or comes too slowly to be one. The socket is ended from this side as well: a client that stays would hold its place. */
function endBrokenRequest({ code }: { readonly code: string }, socket: Socket): void {
  if (socket.writable)
    socket.write(`HTTP/1.1 ${brokenRequestStatuses[code] ?? "400 Bad Request"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}
