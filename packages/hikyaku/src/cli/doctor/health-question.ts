/** One question to a peer listener, `GET /health`: whether it answers, and what its clock says. Nothing of the answer's body is believed or kept. */
import { Agent, request } from "undici";

export interface HealthAnswer {
  readonly isWell: boolean;
  /** By how many milliseconds the other clock is ahead of this one, give or take a second. */
  readonly aheadMs?: number;
}

export const questionMsMax = 3_000;
const bodyBytesMax = 4_096;

/** Undefined where no answer comes in time. `address` is `http://host:port`; redirects are not followed. */
export async function askHealth(address: string, signal: AbortSignal): Promise<HealthAnswer | undefined> {
  const dispatcher = new Agent({ pipelining: 0, maxResponseSize: bodyBytesMax });
  try {
    const askedAt = Date.now();
    const { statusCode, headers, body } = await request(`${address}/health`, { dispatcher, signal });
    const between = (askedAt + Date.now()) / 2;
    // The rest of the answer goes down with the connection, and that is no failure.
    body.on("error", () => undefined);
    const told = typeof headers["date"] === "string" ? Date.parse(headers["date"]) : Number.NaN;
    return { isWell: statusCode === 200, ...(Number.isFinite(told) ? { aheadMs: told - between } : {}) };
  } catch {
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
}
