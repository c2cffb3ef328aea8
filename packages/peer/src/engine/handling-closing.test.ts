/** Parts of this peer that act upon bodies, and fail for a reason of this machine: while it goes on, and while it closes. */
import { type ErrorCode, HikyakuError, newMessageId } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { emptyInbox, MemoryInbox } from "../adapters/memory-inbox.ts";
import { silentLog } from "../adapters/silent-log.ts";
import { systemClock } from "../adapters/system-clock.ts";
import { Counters } from "./counters.ts";
import type { Couriers } from "./couriers.ts";
import { Handling } from "./handling.ts";
import type { Ground } from "./needs.ts";

const id = newMessageId(1, new Uint8Array(10));
const from = "did:key:z6MkLap";

/** What is told of a body whose part fails with this code, and where it stands afterwards. */
async function failWith(code: ErrorCode, { isClosing }: { readonly isClosing: boolean }) {
  const state = emptyInbox();
  const inbox = new MemoryInbox({ state });
  await inbox.append([{ id, from, type: "task_cancel", body: "{}", sentAt: 1, receivedAt: 1, exp: Number.MAX_SAFE_INTEGER }]);
  const told: string[] = [];
  const courier = {
    note: (_ids: unknown, stage: string, reason?: string) => told.push([stage, reason].join(" ").trim()),
    tell: () => undefined,
  };
  const closing = new AbortController();
  const background: Promise<unknown>[] = [];
  const handling = new Handling({
    ground: { clock: systemClock, log: silentLog, counters: new Counters() } as unknown as Ground,
    inbox,
    couriers: () => ({ of: () => courier }) as unknown as Couriers,
    background: (work) => void background.push(work),
    closing: closing.signal,
  });
  const fail = async (): Promise<void> => {
    if (isClosing) closing.abort();
    throw new HikyakuError(code, "It cannot be done now.");
  };
  await handling.handle("task_cancel", fail, { idempotent: true, tellsCode: true });
  await Promise.all(background);
  return { told, stages: [...state.messages.values()].map(({ stage }) => stage) };
}

test.each(["STORAGE_FAILED", "CLOSED"] as const)(
  "what closing cuts short with %s is not refused: it waits for the next start [BOX-5]",
  async (code) => {
    expect(await failWith(code, { isClosing: true })).toEqual({ told: ["delivered"], stages: ["started"] });
  },
);

test("a condition of this machine is told as an error inside, and a refusal as what it is, also while closing [BOX-5]", async () => {
  expect(await failWith("STORAGE_FAILED", { isClosing: false })).toEqual({
    told: ["delivered", "refused INTERNAL_ERROR"],
    stages: ["refused"],
  });
  expect(await failWith("UNAUTHORIZED", { isClosing: true })).toEqual({ told: ["delivered", "refused UNAUTHORIZED"], stages: ["refused"] });
});
