/**
 * A slow road in a process of its own: passes TCP connections on to a port of this machine and holds up what goes either way. The opening of a connection takes as long as
 * it would there: what the dialling side says first is under way only once a round trip is over. Loss, jitter and TCP's slow start are not imitated.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { answerQuestions } from "./questions.ts";

export interface Road {
  /** Where it leads. */
  readonly port: number;
  readonly oneWayMs: number;
}

async function build({ port, oneWayMs }: Road): Promise<{ readonly port: number }> {
  const server = createServer({ noDelay: true }, (near) => {
    const openAt = performance.now() + 2 * oneWayMs;
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    passOn(near, far, () => Math.max(performance.now(), openAt) + oneWayMs);
    passOn(far, near, () => performance.now() + oneWayMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port };
}

function passOn(from: Socket, to: Socket, dueAt: () => number): void {
  from.on("data", (data) => at(dueAt(), () => to.writable && to.write(data)));
  from.on("end", () => at(dueAt(), () => to.end()));
  from.on("error", () => at(dueAt(), () => to.destroy()));
}

/** Timers may be a millisecond late, which seven of them would add up: the last one is waited for turn by turn. */
function at(dueMs: number, act: () => void): void {
  const restMs = dueMs - performance.now();
  if (restMs <= 0) act();
  else if (restMs < 2) setImmediate(() => at(dueMs, act));
  else setTimeout(() => at(dueMs, act), Math.floor(restMs - 1));
}

answerQuestions({ build });
