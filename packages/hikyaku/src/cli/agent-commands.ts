/** The commands by which an owner decides what agents may do in its name, with their flags. */
import { limits } from "@hikyaku/protocol";
import { type Command, Option } from "commander";
import { confirmations } from "../agents/policy.ts";
import { beginCall, type CommonFlags } from "./call.ts";
import { asAllowed, asCount, asCursor, asName, asWholeNumber, command, present } from "./flag-forms.ts";

export function addAgentCommands(program: Command): void {
  addPolicy(program);

  command(program, "approve", "allow what an agent asked for, or list what waits")
    .argument("[id]", "as the list shows it, or its beginning")
    .option("--deny", "refuse it from now on")
    .option("--revoke", "take back what was decided, so that it is asked for anew")
    .action(async (id: string | undefined, options: CommonFlags & { deny?: boolean; revoke?: boolean }) => {
      const { deny = false, revoke = false, ...flags } = options;
      await (await import("./commands/approve.ts")).approve(await beginCall(flags), { id, deny, revoke });
    });

  command(program, "audit", "list what agents did and were refused, newest last")
    .option("--agent <name>", "only of this one", asName)
    .option("--after <position>", "the first ones after this entry, instead of the last ones", asCursor)
    .option("--limit <n>", "at most so many", asCount, 100)
    .action(async (options: CommonFlags & { agent?: string; after?: number; limit: number }) => {
      const { agent, after, limit, ...flags } = options;
      await (await import("./commands/audit.ts")).audit(await beginCall(flags), { agent, after, limit });
    });
}

interface PolicyFlags extends CommonFlags {
  readonly peers?: "all" | string[];
  readonly capabilities?: "all" | string[];
  readonly messageBytes?: number;
  readonly callsPerMinute?: number;
  readonly tasksPerDay?: number;
  readonly confirm?: string;
  readonly remove?: boolean;
}

function addPolicy(program: Command): void {
  command(program, "policy", "show or set what an agent may do, or list agents")
    .argument("[agent]", "as it is named where it is set up; default for all that have no policy of their own", asName)
    .option("--peers <names>", "whom it may reach and is told of: names separated by commas, all or none", asAllowed)
    .option("--capabilities <names>", "what it may delegate: names separated by commas, all or none", asAllowed)
    .option("--message-bytes <n>", "how much it may say at once", asWholeNumber(1, limits.bodyBytesMax))
    .option("--calls-per-minute <n>", "how often it may do something; reading is free", asWholeNumber(1, limits.agentCallsPerMinuteMax))
    .option("--tasks-per-day <n>", "how many tasks may come of what it delegates", asWholeNumber(0, limits.agentTasksPerDayMax))
    .addOption(new Option("--confirm <when>", "who approves the first use of a peer or capability").choices(confirmations))
    .option("--remove", "forget its policy and what was approved; what was denied stays denied")
    .action(async (agent: string | undefined, options: PolicyFlags) => {
      const { peers, capabilities, messageBytes, callsPerMinute, tasksPerDay, confirm, remove = false, ...flags } = options;
      const change = {
        ...present("peers", peers),
        ...present("capabilities", capabilities),
        ...present("messageBytesMax", messageBytes),
        ...present("callsPerMinute", callsPerMinute),
        ...present("tasksPerDay", tasksPerDay),
        ...present("confirm", confirm),
      };
      await (await import("./commands/policy.ts")).policy(await beginCall(flags), { agent, change, remove });
    });
}
