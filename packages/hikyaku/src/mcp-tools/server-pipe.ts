/**
 * The way to a local MCP server: a child process in a group of its own, messages as lines on its standard streams. What comes in is cut and read by the SDK; its own transport
 * for this starts the process in our group, where what the server starts in turn would outlive it. What goes either way has a bound.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type JSONRPCMessage, ReadBuffer, type Transport } from "@modelcontextprotocol/client";
import { ChildProgram, type ProgramEnd, type ProgramSettings } from "../serving/child-program.ts";
import { readNotes } from "../serving/notes.ts";

/** Of one message that the server writes; far above what a result may be, so that a large one fails its task and not the server. */
const messageBytesMax = 8 * 1024 * 1024;
/** Written for the server and not read by it. */
const unreadBytesMax = 8 * 1024 * 1024;
/** How long a server may take to go once its input has ended; and to end once it has closed its output. */
const farewellMs = 2_000;
/** What it has written on its errors when it ends is read for so long. */
const lastNotesMs = 500;
/** A server that lives for long may note so much anew. */
const notesRenewMs = 60_000;

export class ServerPipe implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: (<Message extends JSONRPCMessage>(message: Message) => void) | undefined;
  readonly #program: ChildProgram;
  readonly #incoming = new ReadBuffer({ maxBufferSize: messageBytesMax });
  readonly #closed: Promise<void>;
  readonly #noted: Promise<void>;
  /** Why we ended it, if we did. */
  #verdict: string | undefined;

  /** The process is started at once. */
  constructor(settings: ProgramSettings, note: (line: string) => void) {
    this.#program = new ChildProgram(settings);
    this.#noted = readNotes(this.#program.stderr, note, notesRenewMs);
    this.#closed = new Promise((resolve) => this.#program.stdout.once("close", resolve));
  }

  /** The SDK takes what has a `pid` and a `stderr` for a pipe to a local server, where silence means that the server is an older one. */
  get pid(): number | undefined {
    return this.#program.pid;
  }

  get stderr(): null {
    return null;
  }

  async start(): Promise<void> {
    this.#program.stdout.on("data", (chunk: Buffer) => this.#take(chunk)).on("error", () => undefined);
    void this.#watch();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#program.unreadBytes > unreadBytesMax) this.#end(`It left ${unreadBytesMax} bytes unread.`);
    if (this.#verdict !== undefined) throw new Error(this.#verdict);
    this.#program.write(JSON.stringify(message));
  }

  /** As the MCP specification asks: the end of its input tells it, and what does not go by itself is ended. */
  async close(): Promise<void> {
    this.#program.endInput();
    await Promise.race([this.#program.ended, within(farewellMs)]);
    this.#program.stop();
    await this.#program.ended;
  }

  /** Ends it and its group at once. */
  kill(): void {
    this.#program.kill();
  }

  /** How it ended, in a sentence; resolves once it has. */
  async ending(): Promise<string> {
    const end = await this.#program.ended;
    await Promise.race([this.#noted, within(lastNotesMs)]);
    return this.#verdict ?? sentenceOn(end);
  }

  #take(chunk: Buffer): void {
    try {
      this.#incoming.append(chunk);
    } catch {
      return this.#end(`It wrote a message of more than ${messageBytesMax} bytes.`);
    }
    for (let message = this.#next(); message !== null; message = this.#next()) if (message !== undefined) this.onmessage?.(message);
  }

  /** Null where no whole line is left, undefined where it is none of MCP: a stray line harms nobody. */
  #next(): JSONRPCMessage | null | undefined {
    try {
      return this.#incoming.readMessage();
    } catch {
      return undefined;
    }
  }

  #end(verdict: string): void {
    this.#verdict ??= verdict;
    this.#program.stop();
  }

  /** It has gone when its process has ended and all that it wrote is read; one that closes its output alone can be spoken to no more. */
  async #watch(): Promise<void> {
    await Promise.race([this.#closed, this.#program.ended]);
    await Promise.race([this.#program.ended, within(farewellMs)]);
    this.#program.stop();
    await Promise.all([this.#program.ended, this.#closed]);
    this.onclose?.();
  }
}

/** Keeps nobody up: what is waited for does. */
const within = (ms: number): Promise<void> => pause(ms, undefined, { ref: false });

function sentenceOn(end: ProgramEnd): string {
  if (end.kind === "unstarted") return `It could not be started (${end.reason}).`;
  return end.kind === "killed" ? `It was ended by ${end.signal}.` : `It ended with code ${end.code}.`;
}
