/**
 * Chosen tools of a local MCP server, offered until somebody stops it: one shift after the other, since a server that ends by itself is started again, later each time and not
 * for ever. Meanwhile its capabilities stay offered, and what comes for them waits.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HikyakuError } from "@hikyaku/protocol";
import { changeOf, type OfferedTool } from "../mcp-tools/offered-tool.ts";
import { Restarts } from "../mcp-tools/restarts.ts";
import { type ShiftParts, ToolShift, takeBack } from "./tool-shift.ts";

export interface StandParts extends Omit<ShiftParts, "withdrawn"> {
  /** A line for whoever serves. */
  readonly note: (line: string) => void;
}

export class ToolStand {
  readonly #parts: ShiftParts & StandParts;
  readonly #offered: Set<OfferedTool>;
  readonly #restarts = new Restarts();
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;
  /** None while the server is away. */
  #shift: ToolShift | undefined;

  constructor(parts: StandParts, offered: readonly OfferedTool[]) {
    this.#offered = new Set(offered);
    this.#parts = { ...parts, withdrawn: (one, why) => this.#withdrawn(one, why) };
  }

  get busy(): number {
    return this.#shift?.busy ?? 0;
  }

  /** Offers all of them. Rejects where one cannot be; then none is. */
  async open(): Promise<void> {
    this.#shift = await ToolShift.open(this.#parts, [...this.#offered]);
    if (this.#isStopped) await this.#shift.leave();
  }

  /** Until `stop`. Rejects where the peer is gone, the server ended too often, or nothing is left that it could offer. */
  async run(): Promise<void> {
    for (;;) {
      await this.#shift?.run();
      this.#shift = undefined;
      if (this.#isStopped) return;
      if (this.#offered.size > 0) await this.#restart();
      if (this.#isStopped) return await this.#takeBack(() => "is not needed any more");
      if (this.#offered.size === 0)
        throw new HikyakuError("INTERNAL_ERROR", "No tool of the server is left that is still what it was offered as.");
      await this.open();
    }
  }

  /** Takes everything back, and lets what is in work be done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    // A server that is coming up has nothing in work.
    if (this.#shift === undefined) this.#parts.server.kill();
    await this.#shift?.leave();
  }

  /** Returns once the server is up again and its tools are looked at, or it was stopped. */
  async #restart(): Promise<void> {
    const { server, note } = this.#parts;
    for (;;) {
      const ending = await server.ending();
      const waitMs = this.#restarts.next();
      if (waitMs === undefined) throw endedTooOften(ending);
      note(`The server has gone. ${ending} It is started again in ${waitMs / 1000} s.`);
      await Promise.race([this.#stopped.promise, pause(waitMs)]);
      if (this.#isStopped || (await this.#cameBack())) return;
    }
  }

  async #cameBack(): Promise<boolean> {
    const { server } = this.#parts;
    try {
      await server.connect();
      const tools = await server.tools();
      await this.#takeBack((one) => changeOf(one, tools));
      return true;
    } catch (error) {
      if (!(error instanceof HikyakuError && error.code === "INTERNAL_ERROR")) throw error;
      await server.close();
      return false;
    }
  }

  /** Those for which there is a reason. */
  async #takeBack(reasonOf: (one: OfferedTool) => string | undefined): Promise<void> {
    for (const one of this.#offered) {
      const why = reasonOf(one);
      if (why === undefined) continue;
      await takeBack(this.#parts.peer, one);
      if (this.#isStopped) continue;
      this.#withdrawn(one, why);
    }
  }

  #withdrawn(one: OfferedTool, why: string): void {
    this.#offered.delete(one);
    this.#parts.note(
      `The tool ${one.tool.name} ${why}, so ${one.capability} is offered no more. Look at it with --list, and offer it anew by starting serve-mcp again.`,
    );
  }
}

const endedTooOften = (ending: string): HikyakuError =>
  new HikyakuError(
    "INTERNAL_ERROR",
    `The server ended too often. ${ending} Its capabilities stay offered, and what comes for them waits: start serve-mcp again once it works.`,
  );
