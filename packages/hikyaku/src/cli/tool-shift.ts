/**
 * What the tools of a local MCP server do for others from when the server is up until it goes, or until they are taken back: a workshop each. When the server goes, what it had
 * in work is taken from it and the capabilities stay offered; a tool that is no more what it was offered as is offered no more.
 */
import { HikyakuError } from "@hikyaku/protocol";
import { changeOf, type OfferedTool, offerOf } from "../mcp-tools/offered-tool.ts";
import { ToolCall } from "../mcp-tools/tool-call.ts";
import type { ToolServer } from "../mcp-tools/tool-server.ts";
import type { ControlClient } from "./control-client.ts";
import { Workshop, type WorkshopEars } from "./workshop.ts";

/** How all of them are offered. */
interface OfferManner {
  readonly for?: readonly string[];
  readonly concurrency: number;
  readonly idempotent: boolean;
}

export interface ShiftParts {
  readonly peer: ControlClient;
  readonly server: ToolServer;
  readonly manner: OfferManner;
  readonly timeoutMs: number | undefined;
  readonly ears: WorkshopEars;
  /** A tool is offered no more, and why. */
  readonly withdrawn: (offered: OfferedTool, why: string) => void;
}

export class ToolShift {
  readonly #parts: ShiftParts;
  readonly #workshops: readonly Workshop[];
  /** Those that take tasks. */
  readonly #open: Map<OfferedTool, Workshop>;
  #suspending: Promise<unknown> | undefined;

  private constructor(parts: ShiftParts, workshops: ReadonlyMap<OfferedTool, Workshop>) {
    this.#parts = parts;
    this.#workshops = [...workshops.values()];
    this.#open = new Map(workshops);
  }

  /** Offers all of them, or none where one cannot be. */
  static async open(parts: ShiftParts, offered: readonly OfferedTool[]): Promise<ToolShift> {
    const workshops = new Map<OfferedTool, Workshop>();
    try {
      for (const one of offered) workshops.set(one, await openWorkshop(parts, one));
    } catch (error) {
      await Promise.all([...workshops.values()].map((workshop) => workshop.leave()));
      throw error;
    }
    return new ToolShift(parts, workshops);
  }

  get busy(): number {
    return this.#workshops.reduce((sum, { busy }) => sum + busy, 0);
  }

  /** Until all is taken back and done, or the server has gone. Rejects where the peer is gone. */
  async run(): Promise<void> {
    this.#parts.server.watch({
      changed: (tools) => {
        for (const one of this.#open.keys()) {
          const why = changeOf(one, tools);
          if (why !== undefined) void this.#withdraw(one, why);
        }
      },
      gone: () => {
        this.#suspending = Promise.all(this.#workshops.map((workshop) => workshop.suspend()));
      },
    });
    await Promise.all(this.#workshops.map((workshop) => workshop.run()));
    await this.#suspending;
  }

  /** Takes nothing more, and ends when what is in work is done. */
  async leave(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((workshop) => workshop.leave()));
  }

  async #withdraw(one: OfferedTool, why: string): Promise<void> {
    const workshop = this.#open.get(one);
    this.#open.delete(one);
    this.#parts.withdrawn(one, why);
    await workshop?.leave();
  }
}

/** What is offered by nobody just now, since its server has gone, is offered no more; nothing that waits for it begins. */
export async function takeBack(peer: ControlClient, { capability }: OfferedTool): Promise<void> {
  await peer.post<object>("/withdrawals", { capability });
}

async function openWorkshop({ peer, server, manner, timeoutMs, ears }: ShiftParts, offered: OfferedTool): Promise<Workshop> {
  const { id } = await peer
    .post<{ readonly id: string }>("/servings", { ...manner, ...offerOf(offered) })
    .catch((error: unknown) => Promise.reject(namingTool(offered, error)));
  const settings = { server, tool: offered.tool.name, timeoutMs };
  return new Workshop(peer, id, (task, told) => new ToolCall(task, settings, told), ears);
}

/** Whoever offers several learns which one it is about. */
function namingTool({ tool }: OfferedTool, error: unknown): unknown {
  if (!(error instanceof HikyakuError && error.code === "INVALID_ARGUMENT")) return error;
  const sentence = `The tool ${JSON.stringify(tool.name)} cannot be offered: ${error.message} Leave it out.`;
  return new HikyakuError("INVALID_ARGUMENT", sentence, { cause: error });
}
