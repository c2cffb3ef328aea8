import { encodeUtf8, limits } from "@hikyaku/protocol";
import { ManualClock, StreamWitness, settle } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemorySocket } from "./memory-socket.ts";
import type { SocketLike } from "./socket-like.ts";
import { WebSocketStream, type WebSocketStreamSettings } from "./web-socket-stream.ts";

const patience = () => AbortSignal.timeout(10_000);
const minuteMs = 60_000;
const plain = { origin: { host: "lap", prefix: "lap" }, route: "ws://desk:7340", isOurs: true };

/** A WebSocket as the standard has it: no word about what has left, no way to hold up reading or to cut. What it is given stays unsent until the test takes it. */
class WebSocketStub implements SocketLike {
  binaryType = "blob";
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: unknown[] = [];
  readonly closes: (readonly [number | undefined, string | undefined])[] = [];
  readonly #hearers = new Map<string, (event: never) => void>();

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#hearers.set(type, listener);
  }

  send(message: string | Uint8Array): void {
    this.sent.push(message);
    this.bufferedAmount += message.length;
  }

  close(code?: number, reason?: string): void {
    this.readyState = 2;
    this.closes.push([code, reason]);
  }

  tell(type: "message" | "close" | "error", event: object): void {
    this.#hearers.get(type)?.(event as never);
  }
}

function holdStub(settings: Partial<WebSocketStreamSettings> = {}) {
  const socket = new WebSocketStub();
  const clock = new ManualClock();
  const witness = new StreamWitness();
  const stream = new WebSocketStream({ socket, clock, holder: witness }, { ...plain, ...settings });
  const say = (data: unknown) => socket.tell("message", { data });
  return { socket, clock, witness, stream, say };
}

/** Both ends of a connection, of which the test turns the clock. */
function connect() {
  const [ourSocket, theirSocket] = MemorySocket.pair();
  const clock = new ManualClock();
  const witness = new StreamWitness();
  const stream = new WebSocketStream({ socket: ourSocket, clock, holder: witness }, plain);
  return { theirSocket, clock, witness, stream };
}

test("a stream on which nothing comes in is closed after five minutes, and not before [STREAM-4]", async () => {
  const { clock, witness, stream, theirSocket } = connect();
  await clock.pass(limits.linkIdleMsMax - 1);
  theirSocket.send(encodeUtf8("?"));
  await clock.pass(limits.linkIdleMsMax - 1);
  for (let sent = 0; sent < 10; sent += 1) await stream.send(encodeUtf8("{}"), patience());
  expect(witness.all("closed")).toEqual([]);
  await clock.pass(1);
  expect(witness.all("closed")).toMatchObject([{ reason: "nothing came in for too long" }]);
});

test("a stream that is busy is closed after a day [STREAM-4]", async () => {
  const { clock, witness, theirSocket } = connect();
  for (let passed = 0; passed < limits.streamMsMax; passed += minuteMs) {
    expect(witness.all("closed")).toEqual([]);
    theirSocket.send(encodeUtf8("?"));
    await clock.pass(minuteMs);
  }
  expect(witness.all("closed")).toMatchObject([{ reason: "it was open for as long as a stream may be" }]);
});

test("a stream is cut when no byte has left for a minute [STREAM-4]", async () => {
  const { clock, witness, stream, theirSocket } = connect();
  theirSocket.pause();
  await clock.pass(limits.streamStallMsMax / 8);
  await stream.send(encodeUtf8("x"), patience());
  await clock.pass(limits.streamStallMsMax - 1);
  expect(witness.all("closed")).toEqual([]);
  await clock.pass(limits.streamStallMsMax / 2);
  expect(witness.all("closed")).toMatchObject([{ reason: "the other side stopped reading" }]);
});

test("a reader that is slow but reads is not cut, whichever measure shows it", async () => {
  const { socket, clock, witness, stream, say } = holdStub();
  let inFlight = 1000;
  (socket as SocketLike).bytesInFlight = () => inFlight;
  await stream.send(new Uint8Array(1000).fill(1), patience());
  for (let piece = 0; piece < 10; piece += 1) {
    await clock.pass(limits.streamStallMsMax / 2);
    say("{}");
    inFlight -= 10;
  }
  for (let piece = 0; piece < 10; piece += 1) {
    await clock.pass(limits.streamStallMsMax / 2);
    say("{}");
    socket.bufferedAmount -= 10;
  }
  expect(witness.all("closed")).toEqual([]);
  await clock.pass(limits.streamStallMsMax * 1.5);
  expect(witness.all("closed")).toMatchObject([{ reason: "the other side stopped reading" }]);
});

test("where a socket tells nothing, a writer that waits looks again and again, and goes on once there is room", async () => {
  const { socket, clock, stream } = holdStub();
  const frame = new Uint8Array(limits.envelopeBytesMax).fill(1);
  for (let sent = 0; sent < 4; sent += 1) await stream.send(frame, patience());
  let isDone = false;
  const waiting = [stream.send(frame, patience()), stream.send(frame, patience()).then(() => (isDone = true))];
  await clock.pass(5000);
  expect([socket.sent.length, isDone]).toEqual([5, false]);
  socket.bufferedAmount = limits.streamUnsentBytesMax;
  await clock.pass(limits.streamPollMsMax);
  expect([socket.sent.length, isDone]).toEqual([6, false]);
  socket.bufferedAmount = 0;
  await clock.pass(limits.streamPollMsMax);
  await Promise.all(waiting);
  expect(isDone).toBe(true);
});

test("frames go as text where they begin with a brace, as binary otherwise [STREAM-2]", async () => {
  const { socket, stream } = holdStub();
  const frames = [encodeUtf8('{"é":"\ufeff"}'), Uint8Array.of(0x8a, 0x7b)];
  for (const frame of frames) await stream.send(frame, patience());
  expect(socket.sent).toEqual(['{"é":"\ufeff"}', frames[1]]);
  expect(socket.binaryType).toBe("arraybuffer");
});

test.each([
  ["a text that is no object", "[]", 4007],
  ["an empty text", "", 4007],
  ["a greeting", "hello", 4007],
  ["an empty binary message", new ArrayBuffer(0), 4007],
  ["a blob", new Blob(["x"]), 4007],
  ["a text over the bound", `{"a":"${"x".repeat(limits.envelopeBytesMax)}"}`, 4009],
  ["a text of few letters and many bytes", `{"a":"${"飛".repeat(limits.envelopeBytesMax / 3)}"}`, 4009],
  ["a binary message over the bound", new ArrayBuffer(limits.envelopeBytesMax + 1), 4009],
  ["an error that is no JSON", '{"error":', 4007],
  ["an error over its bound", `{"error":{"code":"${"x".repeat(limits.streamErrorBytesMax)}"}}`, 4009],
])("%s ends the stream with a code and goes to nobody [STREAM-2]", async (_, data, code) => {
  const { socket, clock, witness, say } = holdStub();
  say(data);
  say("{}");
  expect(socket.closes).toEqual([[code, expect.any(String)]]);
  expect(witness.told).toEqual([]);
  await clock.pass(limits.streamCloseMsMax);
  expect(witness.told).toMatchObject([{ kind: "closed" }]);
});

const nonce = "0f".repeat(32);

test.each([
  ["a code", '{"error":{"code":"REJECTED"}}', { code: "REJECTED" }, undefined],
  ["the frame's nonce", `{"error":{"code":"OVERLOADED","ref":"${nonce}","retry_after":1}}`, { code: "OVERLOADED", retryAfterS: 1 }, nonce],
  ["spaces", ' { "error" : {"code":"REJECTED"}}'.trimStart(), { code: "REJECTED" }, undefined],
  ["an unknown code", '{"error":{"code":"NO_SUCH_CODE"}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["a code for our own people", '{"error":{"code":"KEY_CHANGED"}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["a code for authenticated peers", '{"error":{"code":"UNAUTHORIZED"}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["no code", '{"error":{}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["no object", '{"error":[[[[]]]]}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["a wait without end", '{"error":{"code":"RATE_LIMITED","retry_after":3601}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["a nonce that is none", '{"error":{"code":"REJECTED","ref":"abc"}}', { code: "MALFORMED_MESSAGE" }, undefined],
  ["a text besides", '{"error":{"code":"REJECTED","text":"boo"}}', { code: "MALFORMED_MESSAGE" }, undefined],
])("an error with %s is a refusal, and draws no answer [STREAM-2] [ERR-6]", (_, text, refusal, ref) => {
  const { socket, witness, say } = holdStub();
  say(text);
  expect(witness.told).toMatchObject([{ kind: "refused", refusal, ref }]);
  expect([socket.sent, socket.closes]).toEqual([[], []]);
});

test("an object with an error and more is a frame like any other", () => {
  const { witness, say } = holdStub();
  const text = '{"error":{"code":"REJECTED"},"version":"1.0"}';
  say(text);
  expect(witness.frames).toEqual([encodeUtf8(text)]);
});

test("where reading cannot be held up, what waits is bounded, and a flood ends the stream [STREAM-3]", async () => {
  const { socket, clock, witness, say } = holdStub();
  witness.work = () => new Promise(() => undefined);
  const frame = new ArrayBuffer(limits.envelopeBytesMax);
  const fitting =
    limits.streamFramesInWorkMax + Math.floor(limits.streamQueuedUnpausedBytesMax / (frame.byteLength + limits.streamQueuedFrameBytes));
  for (let count = 0; count < fitting; count += 1) say(frame);
  expect(socket.closes).toEqual([]);
  say(frame);
  expect(socket.closes).toEqual([[4008, "more came in than may wait"]]);
  expect(witness.frames).toHaveLength(limits.streamFramesInWorkMax);
  await clock.pass(limits.streamCloseMsMax);
  expect(witness.told.at(-1)).toMatchObject({ kind: "closed", reason: "more came in than may wait" });
});

test("tiny frames are counted with what they cost, not with what they say", () => {
  const { socket, witness, say } = holdStub();
  witness.work = () => new Promise(() => undefined);
  for (let count = 0; count < 100_000 && socket.closes.length === 0; count += 1) say(new ArrayBuffer(1));
  expect(socket.closes).toEqual([[4008, expect.any(String)]]);
});

test("frames that came before the connection went are still handed over, in order, and then the end is told", async () => {
  const { socket, witness, stream, say } = holdStub({ bounds: { framesInWorkMax: 1 } });
  const works: (() => void)[] = [];
  witness.work = () => new Promise((resolve) => works.push(resolve));
  for (const text of ['{"a":1}', '{"a":2}', '{"a":3}']) say(text);
  socket.readyState = 3;
  socket.tell("close", { code: 1000, reason: "bye\u0007\u{1f54a}" });
  await expect(stream.send(encodeUtf8("{}"), patience())).rejects.toMatchObject({ code: "UNREACHABLE" });
  for (let done = 0; done < 3; done += 1) {
    works[done]?.();
    await settle();
  }
  expect(witness.told.map(({ kind }) => kind)).toEqual(["frame", "frame", "frame", "closed"]);
  expect(witness.all("closed")[0]?.reason).toBe("the other side closed it (1000)");
});

test("a holder that never settles does not keep a stream that is gone", async () => {
  const { socket, clock, witness, stream, say } = holdStub({ bounds: { framesInWorkMax: 1 } });
  witness.work = () => new Promise(() => undefined);
  for (const text of ['{"a":1}', '{"a":2}']) say(text);
  socket.tell("error", { error: Object.assign(new Error("text"), { code: "ECONNRESET" }) });
  socket.tell("close", { code: 1006, reason: "" });
  await clock.pass(limits.streamCloseMsMax);
  expect(witness.told.map(({ kind }) => kind)).toEqual(["frame", "closed"]);
  expect(witness.all("closed")[0]?.reason).toBe("the connection failed (ECONNRESET)");
  stream.close("again");
  socket.tell("close", { code: 1006, reason: "" });
  say("{}");
  await clock.pass(limits.streamMsMax);
  expect(witness.told).toHaveLength(2);
});

test("a stream whose other side does not answer the farewell is down after two seconds, and hears nothing in between", async () => {
  const { socket, clock, witness, stream, say } = holdStub();
  stream.close("enough “for today”");
  expect(socket.closes).toEqual([[1000, "enough ?for today?"]]);
  say("{}");
  await clock.pass(limits.streamCloseMsMax - 1);
  expect(witness.told).toEqual([]);
  await clock.pass(1);
  expect(witness.told).toMatchObject([{ kind: "closed", reason: "enough “for today”" }]);
  await stream.ended;
});

test("a frame that begins as text and is none is a mistake of ours, and loud", async () => {
  const { stream } = holdStub();
  await expect(stream.send(Uint8Array.of(0x7b, 0xff), patience())).rejects.toThrow(TypeError);
});
