/** Two peers on loopback, each a process with a folder of its own, that trust each other. */
import { join } from "node:path";
import { WorkFolder } from "../work-folder.ts";
import type { Agent, Watch } from "./agent.ts";
import { Helper } from "./helper.ts";
import type { Acquaintance, Opening, Resident } from "./peer-program.ts";
import type { Speaker } from "./speaker.ts";

const program = new URL("./peer-program.ts", import.meta.url);

export interface Company {
  /** Whether frames go by POST instead of over a WebSocket. */
  readonly overHttp?: boolean;
  /** Where the speaker finds the listener, in place of the listener's own address. */
  readonly by?: (address: string) => Promise<string>;
}

type Asked<Part, Name extends keyof Part> = Part[Name] extends (...details: infer _Details) => infer Result ? Awaited<Result> : never;
type Details<Part, Name extends keyof Part> = Part[Name] extends (...details: infer Taken) => unknown ? Taken : never;

export class TwoPeers implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly #speaker: Helper;
  readonly #listener: Helper;
  readonly #opening: Opening;

  private constructor(resources: AsyncDisposableStack, speaker: Helper, listener: Helper, opening: Opening) {
    this.#resources = resources;
    this.#speaker = speaker;
    this.#listener = listener;
    this.#opening = opening;
  }

  static async start({ overHttp = false, by }: Company = {}): Promise<TwoPeers> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(new WorkFolder());
    const opening = (name: string): Opening => ({ folder: join(folder.path, name), keepLinks: false, overHttp });
    const [speaker, listener] = [resources.use(new Helper(program)), resources.use(new Helper(program))];
    const [here, there] = await Promise.all([
      speaker.ask<Resident>("open", opening("speaker")),
      listener.ask<Resident>("open", opening("listener")),
    ]);
    const addresses = by === undefined ? there.addresses : await Promise.all(there.addresses.map(by));
    // Over streams only the speaker dials, so that there is one stream and one session; without a stream the listener needs a way of its own.
    await listener.ask("trust", { ...here, name: "speaker", addresses: overHttp ? here.addresses : [] } satisfies Acquaintance);
    await speaker.ask("trust", { ...there, name: "listener", addresses } satisfies Acquaintance);
    return new TwoPeers(resources.move(), speaker, listener, opening("speaker"));
  }

  /** Asks the speaker's side, to which the name of the listener is given. */
  async speak<Name extends keyof Speaker>(name: Name, details: Omit<Details<Speaker, Name>[0], "to">): Promise<Asked<Speaker, Name>> {
    return await this.#speaker.ask(name, { ...details, to: "listener" });
  }

  async listen<Name extends keyof Agent>(name: Name): Promise<Asked<Agent, Name>> {
    return await this.#listener.ask(name);
  }

  /** The same question to both. */
  async watch<Name extends keyof Watch>(
    name: Name,
  ): Promise<{ readonly speaker: Asked<Watch, Name>; readonly listener: Asked<Watch, Name> }> {
    const [speaker, listener] = await Promise.all([
      this.#speaker.ask<Asked<Watch, Name>>(name),
      this.#listener.ask<Asked<Watch, Name>>(name),
    ]);
    return { speaker, listener };
  }

  /** The speaker loses its sessions and connections, and comes up again. */
  async restartSpeaker(): Promise<void> {
    await this.#speaker.ask("close");
    await this.#speaker.ask("open", this.#opening);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
