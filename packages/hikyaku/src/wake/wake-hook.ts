/** Wakes an agent up by a POST to an address that the owner chose (spec WAKE-4). It follows no redirect: where that leads nobody here has chosen. */
import type { Log, Wake } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { request } from "undici";
import { callText } from "./call-text.ts";

export interface WakeHookSettings {
  readonly url: string;
  readonly log: Log;
  readonly timeoutMs?: number;
}

export function wakeHook({ url, log, timeoutMs = limits.wakeHookMsMax }: WakeHookSettings): Wake {
  return async (call) => {
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]);
    const problem = await problemOf(post(url, callText(call), signal));
    if (problem === undefined) return;
    // The address stays out of it: many a web hook's is its password.
    log.write("error", "wake.hook", { problem });
    throw new HikyakuError("INTERNAL_ERROR", `The wake hook ${problem}.`);
  };
}

/** The status of the answer; of its body nothing is read. */
async function post(url: string, body: string, signal: AbortSignal): Promise<number> {
  const answer = await request(url, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
  answer.body.on("error", () => undefined).destroy();
  return answer.statusCode;
}

async function problemOf(posting: Promise<number>): Promise<string | undefined> {
  try {
    const status = await posting;
    return status >= 200 && status < 300 ? undefined : `answered with status ${status}`;
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return name === "TimeoutError" ? "gave no answer in time" : `could not be reached (${code ?? name})`;
  }
}
