/**
 * An answer on its way to a client over HTTP, a stream as well as a single message (spec MCP-6). The SDK fills its streams however little is read of them, so what leaves is not held up here but
 * bounded: who leaves too much unread, or anything for too long, is cut off.
 */
import type { ServerResponse } from "node:http";
import type { HttpBounds } from "./bounds.ts";

type AnswerBounds = Pick<HttpBounds, "answerMsMax" | "unreadBytesMax" | "unreadMsMax">;

/** Resolves when all of it has been handed to the connection, or the client has gone. */
export async function giveAnswer(answer: Response, outgoing: ServerResponse, bounds: AnswerBounds): Promise<void> {
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  const patience = new Patience(outgoing, bounds.unreadMsMax);
  if (answer.body !== null) await pour(answer.body, outgoing, bounds, patience);
  outgoing.end();
  patience.begin();
}

async function pour(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  { answerMsMax, unreadBytesMax }: AnswerBounds,
  patience: Patience,
): Promise<void> {
  // Here and not only in the headers' wake: whoever waits for a stream of changes wants to know that it is open.
  outgoing.flushHeaders();
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  const age = setTimeout(cancel, answerMsMax);
  outgoing.once("close", cancel);
  if (outgoing.destroyed) cancel();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // Of what was said before: one answer may well be longer, and nobody can have read it yet.
      if (outgoing.writableLength > unreadBytesMax) outgoing.destroy();
      if (!outgoing.write(value)) patience.begin();
    }
  } finally {
    clearTimeout(age);
  }
}

/** Ends the connection of a client that has something unread for too long. */
class Patience {
  readonly #outgoing: ServerResponse;
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(outgoing: ServerResponse, ms: number) {
    this.#outgoing = outgoing;
    this.#ms = ms;
    for (const relief of ["drain", "finish", "close"]) outgoing.on(relief, () => this.#end());
  }

  begin(): void {
    if (!this.#outgoing.writableFinished) this.#timer ??= setTimeout(() => this.#outgoing.destroy(), this.#ms);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
