/** The commands by which one peer looks after another, with their flags. */
import { limits } from "@hikyaku/protocol";
import { type Command, Option } from "commander";
import { beginCall, type CommonFlags } from "./call.ts";
import { asReportCount, asSeconds, asStage, command, present } from "./flag-forms.ts";
import type { Presence } from "./watched-peer.ts";

export function addSupervisionCommands(program: Command, end: (exitCode: number) => void): void {
  command(program, "status", "show whether a peer is heard, and what it said of how it is")
    .argument("<peer>")
    .option("--limit <n>", `at most so many reports, ${limits.statusReportsKept} are kept`, asReportCount, 20)
    .action(async (peer: string, { limit, ...flags }: CommonFlags & { limit: number }) => {
      await (await import("./commands/status.ts")).status(await beginCall(flags), { peer, limit });
    });

  command(program, "watch", "tell when peers fall silent or are heard again, and what they say of how they are")
    .argument("<peers...>")
    .option("--wake", "call those that are silent to come up")
    .addOption(new Option("--until <presence>", "end as soon as one of them is so").choices(["silent", "connected"]))
    .option("--timeout <seconds>", "end after that time", asSeconds)
    .action(async (peers: string[], options: CommonFlags & { wake?: boolean; until?: Presence; timeout?: number }) => {
      const { wake = false, until, timeout, ...flags } = options;
      const manner = { ...present("until", until), ...present("timeoutMs", timeout) };
      await (await import("./commands/watch.ts")).watch(await beginCall(flags), { peers, wake, ...manner });
    });

  command(program, "wake", "call a peer's agent to come up")
    .argument("<peer>")
    .argument("[reason]", "for whoever wakes up")
    .option("--wait <stage>", "wait until it is stored, delivered or handled", asStage)
    .option("--timeout <seconds>", "how long to wait (default 30)", asSeconds)
    .action(async (peer: string, reason: string | undefined, options: CommonFlags & { wait?: string; timeout?: number }) => {
      const { wait, timeout, ...flags } = options;
      const manner = { ...present("reason", reason), ...present("until", wait), ...present("timeoutMs", timeout) };
      end(await (await import("./commands/wake.ts")).wake(await beginCall(flags), { peer, ...manner }));
    });
}
