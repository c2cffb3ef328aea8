/** One kibibyte to another process and back, with nothing around it but a WebSocket or a POST. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Pool } from "undici";
import type { Effort } from "../effort.ts";
import { elapsedTime, medianOf, waitingCostUs } from "../measure.ts";
import { Helper } from "../process/helper.ts";
import { keepInFlight } from "../process/in-flight.ts";

export interface RoundTripFloors {
  readonly webSocketUs: number;
  readonly postUs: number;
  /** For each POST when as many are in flight as rows keep: what throughput is measured against. */
  readonly busyPostUs: number;
}

/** Exchanges under way at once where a row measures throughput. */
const inFlight = 16;

/** As many connections as a peer opens to another (spec §11). */
const connections = 3;

export async function measureRoundTrips(effort: Effort): Promise<RoundTripFloors> {
  await using helper = new Helper(new URL("./echo-program.ts", import.meta.url));
  const { port } = await helper.ask<{ readonly port: number }>("listen");
  return { webSocketUs: await measureWebSocket(effort, port), ...(await measurePosts(effort, port)) };
}

async function measureWebSocket(effort: Effort, port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  socket.binaryType = "arraybuffer";
  await once(socket, "open");
  const data = randomBytes(1024);
  try {
    return await waitingCostUs(effort, async () => {
      socket.send(data);
      await once(socket, "message");
    });
  } finally {
    socket.close();
  }
}

async function measurePosts(effort: Effort, port: number): Promise<Pick<RoundTripFloors, "postUs" | "busyPostUs">> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
  const body = randomBytes(1024);
  const post = async (): Promise<void> => {
    const answer = await pool.request({ method: "POST", path: "/", headers: { "content-type": "application/json" }, body });
    await answer.body.arrayBuffer();
  };
  try {
    return {
      postUs: await waitingCostUs(effort, post),
      busyPostUs: await medianOf(effort, async () => {
        const elapsed = elapsedTime();
        const count = await keepInFlight({ inFlight, forMs: effort.roundMs }, post);
        return elapsed() / count;
      }),
    };
  } finally {
    await pool.destroy();
  }
}
