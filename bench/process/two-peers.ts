/** Two peers on loopback, each a process with a folder of its own, that trust each other. */
import { join } from "node:path";
import { WorkFolder } from "../work-folder.ts";
import { Helper } from "./helper.ts";
import type { Acquaintance, Resident, Sending } from "./peer-program.ts";

const program = new URL("./peer-program.ts", import.meta.url);

export class TwoPeers implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly #sender: Helper;

  private constructor(resources: AsyncDisposableStack, sender: Helper) {
    this.#resources = resources;
    this.#sender = sender;
  }

  static async start(): Promise<TwoPeers> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(new WorkFolder());
    const [sender, recipient] = [resources.use(new Helper(program)), resources.use(new Helper(program))];
    const [here, there] = await Promise.all([
      sender.ask<Resident>("open", join(folder.path, "sender")),
      recipient.ask<Resident>("open", join(folder.path, "recipient")),
    ]);
    await sender.ask("trust", { ...there, name: "recipient" } satisfies Acquaintance);
    await recipient.ask("trust", { ...here, name: "sender" } satisfies Acquaintance);
    return new TwoPeers(resources.move(), sender);
  }

  /** Microseconds for each message, measured in the sender. */
  async send(sending: Omit<Sending, "to">): Promise<number> {
    return await this.#sender.ask<number>("send", { ...sending, to: "recipient" } satisfies Sending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
